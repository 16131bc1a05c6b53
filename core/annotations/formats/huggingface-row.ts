import type { Annotation } from '../../../contract/annotation.ts';
import { InvalidValue, shown } from '../reading/invalid-value.ts';
import { fieldOf, isObject, type JsonObject } from '../reading/json-object.ts';
import { folderOf, pathsOf } from '../reading/paths.ts';
import { splitNamed } from '../reading/splits.ts';
import type { StepBuilder } from '../reading/steps.ts';
import { checkBox, isBlank, textOf, textsOf } from '../reading/values.ts';
import { listedBox, splitNameOf, tagsOf } from './table-row.ts';

/** Columns that are no attributes. */
const READ_COLUMNS = new Set(['label', 'text', 'caption', 'objects', 'split', 'tags']);
/** The fields of `objects` that name classes. */
const CLASS_FIELDS = ['categories', 'category', 'labels', 'label'];

/**
 * Adds what a row says.
 * - `file_name`, or `image_file_name`, or the only column that ends in `_file_name`, counts from the folder of the file.
 * - `label`, `text` and `caption` are one annotation each. Other columns with a single value are attributes of the first
 *   of them. In a row that has none, they are left out: attributes alone say nothing of a picture.
 * - `objects` are boxes in pixels as COCO has them: an object of parallel lists, or a list of objects. Classes may be
 *   numbers, whose names are not in these files. The other lists are attributes.
 * - `split` is the column, or the nearest folder of the image that is named after one.
 *
 * @param root the folder that is read
 */
export function addHuggingFaceRow(
  step: StepBuilder,
  place: { file: string; line: number },
  row: JsonObject,
  root: string,
) {
  let key: string | undefined;
  step.attempt(place, () => {
    const name = textOf(fieldOf(row, imageColumnOf(row)), 'The file_name');
    if (name === undefined) throw new InvalidValue('malformed', 'The row has no file_name.');
    const paths = pathsOf(folderOf(place.file), name);
    const split = splitNameOf(fieldOf(row, 'split')) ?? splitOf(paths[0] ?? place.file, root);
    const tags = tagsOf(fieldOf(row, 'tags'));
    // Files of two folders may have one name.
    key = paths[0] ?? name;
    return { key, image: { name, paths }, ...(split && { split }), ...(tags.length > 0 && { tags }), unit: 'pixels' };
  });
  if (key === undefined) return;
  const known = key;
  step.attempt(place, () => {
    const annotations = statementsOf(row);
    return annotations.length === 0 ? undefined : { key: known, annotations, unit: 'pixels' };
  });
  step.attempt(place, () => {
    objectsOf(fieldOf(row, 'objects')).forEach((object, index) => {
      step.attempt(
        place,
        () => ({ key: known, annotations: [annotationOf(object)], unit: 'pixels' }),
        `objects[${index}]`,
      );
    });
    return undefined;
  });
}

/** @throws InvalidValue malformed */
function imageColumnOf(row: JsonObject): string {
  for (const name of ['file_name', 'image_file_name']) if (Object.hasOwn(row, name)) return name;
  const names = Object.keys(row).filter((name) => name.endsWith('_file_name'));
  if (names.length === 1 && names[0] !== undefined) return names[0];
  throw new InvalidValue('malformed', `The row has ${names.length === 0 ? 'no' : 'more than one'} file_name.`);
}

/** The split that the nearest folder is named after, up to the folder that is read. */
function splitOf(path: string, root: string): string | undefined {
  const depth = root.split('/').length - 1;
  const folders = path.split('/').slice(0, -1).slice(depth);
  return folders.map(splitNamed).findLast((split) => split !== undefined);
}

function statementsOf(row: JsonObject): Annotation[] {
  const statements: Annotation[] = [
    ...textsOf(fieldOf(row, 'label'), 'The class').map((label) => ({ label })),
    ...['text', 'caption']
      .flatMap((name) => textsOf(fieldOf(row, name), 'The caption'))
      .map((caption) => ({ caption })),
  ];
  const attributes = attributesOf(row, (name) => READ_COLUMNS.has(name) || /(^|_)file_name$/.test(name));
  const [first] = statements;
  if (first !== undefined && attributes !== undefined) first.attributes = attributes;
  return statements;
}

/** The fields with a single value. Undefined if there is none. */
function attributesOf(fields: JsonObject, isRead: (name: string) => boolean): Annotation['attributes'] {
  const found = Object.entries(fields).filter(
    (entry): entry is [string, string | number | boolean] =>
      !isRead(entry[0]) && ['string', 'number', 'boolean'].includes(typeof entry[1]),
  );
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** The objects of parallel lists, which must be equally long, or of a list. @throws InvalidValue malformed */
function objectsOf(objects: unknown): unknown[] {
  if (isBlank(objects)) return [];
  if (Array.isArray(objects)) return objects;
  if (!isObject(objects)) throw new InvalidValue('malformed', `\`objects\` is ${shown(objects)}.`);
  const lists = Object.entries(objects).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  const length = lists.find(([name]) => name === 'bbox')?.[1].length ?? lists[0]?.[1].length ?? 0;
  const odd = lists.find(([, list]) => list.length !== length);
  if (odd !== undefined)
    throw new InvalidValue('malformed', `objects.${odd[0]} has ${odd[1].length} entries, and bbox ${length}.`);
  return Array.from({ length }, (_, index) => Object.fromEntries(lists.map(([name, list]) => [name, list[index]])));
}

/** @throws InvalidValue malformed, bad_geometry */
function annotationOf(object: unknown): Annotation {
  if (!isObject(object)) throw new InvalidValue('malformed', `it is ${shown(object)}.`);
  const field = CLASS_FIELDS.find((name) => !isBlank(fieldOf(object, name)));
  const label = field && textOf(fieldOf(object, field), 'The class');
  const crowd = fieldOf(object, 'iscrowd');
  const attributes = attributesOf(object, (name) => CLASS_FIELDS.includes(name) || name === 'iscrowd');
  return {
    ...(label !== undefined && { label }),
    bounding_box: checkBox(listedBox(fieldOf(object, 'bbox'))),
    ...((crowd === true || crowd === 1) && { iscrowd: true }),
    ...(attributes && { attributes }),
  };
}
