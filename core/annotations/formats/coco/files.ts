import { UserError } from '../../../errors.ts';
import type { AnnotationFiles } from '../../reading/annotation-files.ts';
import type { JsonPosition } from '../../reading/json-elements.ts';
import { type Survey, survey } from './survey.ts';

/** A file that is read. */
export interface CocoFile extends Survey {
  path: string;
  /** Its number among the COCO files of the folder, from 0. Left out if the file was named itself. */
  number?: number;
}

/** Where a reading that goes on has come to. */
export interface CameTo {
  path: string;
  number?: number;
  /** Where the categories of the file are declared, and the next element is. Left out before the first element. */
  at?: JsonPosition;
  categoriesAt?: JsonPosition;
}

/**
 * The files of COCO's JSON at a path: it, or those below the folder, in the order of their names.
 *
 * @throws UserError AnnotationsBroken if there is none, or one breaks off
 */
export async function* cocoFiles(path: string, files: AnnotationFiles, from?: CameTo): AsyncGenerator<CocoFile> {
  if ((await files.kindOf(path)) !== 'folder') {
    const found = await surveyFrom(path, files, from);
    if (found.error) throw found.error;
    if (found.kind === 'other') throw notCoco(path, 'its JSON has no members images and annotations');
    yield { path, ...found };
    return;
  }
  let number = from?.number ?? 0;
  if (from !== undefined) yield { path: from.path, number: number++, ...(await surveyFrom(from.path, files, from)) };
  for await (const listed of files.list(path, (name) => name.toLowerCase().endsWith('.json'), from?.path)) {
    for (const file of listed) {
      const found = await survey(file.path, files);
      if (found.kind !== 'coco') continue;
      if (found.error) throw found.error;
      yield { path: file.path, number: number++, ...found };
    }
  }
  if (number === 0) throw notCoco(path, 'no *.json below it has the members images and annotations');
}

/** Surveys a file. If its elements are being read, only the categories are missing. */
async function surveyFrom(path: string, files: AnnotationFiles, from: CameTo | undefined): Promise<Survey> {
  if (from?.at === undefined) return survey(path, files);
  if (from.categoriesAt !== undefined) return survey(path, files, from.categoriesAt);
  return { kind: from.at.isList ? 'results' : 'coco', categories: new Map(), invalid: [] };
}

const notCoco = (path: string, why: string) =>
  new UserError('AnnotationsBroken', `${path}: line 1, column 1: it is not COCO: ${why}.`);
