import { UserError } from '../../../errors.ts';
import type { FileRef } from '../../../sources/files.ts';
import type { AnnotationFiles } from '../../reading/annotation-files.ts';
import { InvalidValue } from '../../reading/invalid-value.ts';
import { type JsonElement, type JsonPosition, jsonElements } from '../../reading/json-elements.ts';
import type { InvalidAnnotation } from '../format.ts';
import { type Category, categoryOf } from './category.ts';

/** What has to be known of a file before its annotations are read. */
export interface Survey {
  /** Results are a list of what a model has found. */
  kind: 'coco' | 'results' | 'other';
  /** By ID. If one is declared twice, the last counts. */
  categories: Map<string, Category>;
  /** Where they are declared, if they are. If they are twice, the first counts. */
  categoriesAt?: JsonPosition;
  invalid: InvalidAnnotation[];
  /** What breaks the file. `kind` is what it was up to there. */
  error?: UserError;
}

/** They are held in memory, and stored with the dataset. */
const MAX_CATEGORIES = 100_000;

/**
 * Looks through a file for its categories, which mostly are at the end. The other members are passed over, as fast as
 * bytes can be looked at. It ends early if all is found.
 *
 * @param from where the categories are declared, if it is known
 * @throws FileUnavailableError
 */
export async function survey(file: FileRef, files: AnnotationFiles, from?: JsonPosition): Promise<Survey> {
  const { path } = file;
  const found: Survey = { kind: 'other', categories: new Map(), invalid: [] };
  const members = new Set(from === undefined ? [] : ['images', 'annotations']);
  const wants = (section: string, at: JsonPosition) => {
    if (at.isList) found.kind = 'results';
    else members.add(section);
    if (section !== 'categories' || at.isList || found.categoriesAt !== undefined) return false;
    found.categoriesAt = at;
    return true;
  };
  try {
    for await (const { elements, position } of jsonElements(files.stream(file, from?.offset), { path, wants, from })) {
      for (const element of elements) addCategory(found, path, element);
      if (found.categories.size + found.invalid.length > MAX_CATEGORIES) throw tooMany(path, position);
      if (members.has('images') && members.has('annotations')) found.kind = 'coco';
      const isBehind = position.section !== 'categories' || position.state === 'after member';
      if (found.kind === 'results' || (found.kind === 'coco' && members.has('categories') && isBehind)) break;
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (members.has('images') || members.has('annotations')) found.kind = 'coco';
    found.error = error;
  }
  return found;
}

const tooMany = (path: string, { line, lineStart, offset }: JsonPosition) =>
  new UserError(
    'AnnotationsBroken',
    `${path}: line ${line}, column ${offset - lineStart + 1}: it declares more than ${MAX_CATEGORIES} categories.`,
  );

/** Adds an element of `categories`. One that can't be read is reported, and what refers to it besides. */
function addCategory({ categories, invalid }: Survey, file: string, { inList, bytes, line }: JsonElement): void {
  try {
    if (!inList) throw new InvalidValue('malformed', 'They are no list.');
    const category = categoryOf(bytes);
    categories.set(category.id, category);
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    invalid.push({ reason: error.reason, file, line, message: `Category: ${error.message}` });
  }
}
