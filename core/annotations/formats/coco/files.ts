import { UserError } from '../../../errors.ts';
import type { FileRef } from '../../../sources/files.ts';
import { FileUnavailableError } from '../../../sources/source.ts';
import type { AnnotationFiles } from '../../reading/annotation-files.ts';
import type { JsonPosition } from '../../reading/json-elements.ts';
import { fileOfKept, type KeptFile, keptFile } from '../../reading/kept-file.ts';
import { relativeTo } from '../../reading/paths.ts';
import { type Survey, survey } from './survey.ts';

/** A file that is read. */
export interface CocoFile extends Survey {
  file: FileRef;
  /** What the keys of its images begin with: files of a folder may mean different images by one ID. */
  prefix: string;
  /** Its number among the COCO files of the folder, from 0. Left out if the file was named itself. */
  number?: number;
}

/** A file of a folder that can't be read. */
export interface UnreadableFile {
  file: FileRef;
  number: number;
  unreadable: FileUnavailableError;
}

/** Where a reading that goes on has come to. */
export interface CameTo {
  file: KeptFile;
  number?: number;
  /** The file is passed over. */
  passed?: true;
  /** Where the categories of the file are declared, and the next element is. Left out before the first element. */
  at?: JsonPosition;
  categoriesAt?: JsonPosition;
}

export const cursorOf = ({ file, number, categoriesAt }: CocoFile, at?: JsonPosition): CameTo => ({
  file: keptFile(file),
  ...(number !== undefined && { number }),
  ...(at && { at }),
  ...(categoriesAt && { categoriesAt }),
});

/** The cursor behind a file that can't be read on. */
export const cursorBehind = ({ file, number = 0 }: Pick<CocoFile, 'file' | 'number'>): CameTo => ({
  file: keptFile(file),
  number,
  passed: true,
});

/**
 * The files of COCO's JSON at a path: it, or those below the folder, in the order of their names.
 *
 * @throws UserError AnnotationsBroken if there is none, or one breaks off
 * @throws FileUnavailableError if the file was named itself and can't be read
 */
export async function* cocoFiles(
  path: string,
  files: AnnotationFiles,
  from?: CameTo,
): AsyncGenerator<CocoFile | UnreadableFile> {
  if ((await files.kindOf(path)) !== 'folder') {
    const file = { path };
    const found = await surveyFrom(file, files, from);
    if (found.error) throw found.error;
    if (found.kind === 'other') throw notCoco(path, 'its JSON has no members images and annotations');
    yield { file, prefix: '', ...found };
    return;
  }
  let number = from?.number ?? 0;
  const open = async (file: FileRef, at?: CameTo): Promise<CocoFile | UnreadableFile | undefined> => {
    try {
      const found = await surveyFrom(file, files, at);
      if (found.kind !== 'coco') return undefined;
      if (found.error) throw found.error;
      const prefix = prefixOf(relativeTo(path, file.path), number);
      return { file, prefix, number: number++, ...found };
    } catch (error) {
      if (!(error instanceof FileUnavailableError)) throw error;
      return { file, number: number++, unreadable: error };
    }
  };
  if (from?.passed) number += 1;
  else if (from !== undefined) {
    const opened = await open(fileOfKept(from.file), from);
    if (opened !== undefined) yield opened;
  }
  for await (const listed of files.list(path, (name) => name.toLowerCase().endsWith('.json'), from?.file.path)) {
    for (const file of listed) {
      const opened = await open(file);
      if (opened !== undefined) yield opened;
    }
  }
  if (number === 0) throw notCoco(path, 'no *.json below it has the members images and annotations');
}

/** COCO's own files of one part of it. They have the same images, by the same IDs. */
const FAMILY = /(?:^|\/)(?:instances|captions|person_keypoints|stuff|panoptic)_([^/]+)\.json$/;

const prefixOf = (name: string, number: number): string =>
  `${FAMILY.test(name) ? name.replace(FAMILY, '/$1') : number}:`;

/** Surveys a file. If its elements are being read, only the categories are missing. */
async function surveyFrom(file: FileRef, files: AnnotationFiles, from: CameTo | undefined): Promise<Survey> {
  if (from?.at === undefined) return survey(file, files);
  if (from.categoriesAt !== undefined) return survey(file, files, from.categoriesAt);
  return { kind: from.at.isList ? 'results' : 'coco', categories: new Map(), invalid: [] };
}

const notCoco = (path: string, why: string) =>
  new UserError('AnnotationsBroken', `${path}: line 1, column 1: it is not COCO: ${why}.`);
