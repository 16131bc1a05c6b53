import { createHash } from 'node:crypto';
import type { AnnotationSource } from '../../contract/annotations.ts';
import { type FoundFormat, findBesideImages, findFormat } from './find-format.ts';
import { cocoFiles } from './formats/coco/files.ts';
import type { AnnotationFormatName, AnnotationTask } from './formats/format.ts';
import type { AnnotationFiles } from './reading/annotation-files.ts';

/** What a job reads, settled once when it begins. */
export interface AnnotationPlan {
  field: string;
  /** A hash of the paths. What they gave before and no longer give is removed. */
  from: string;
  /** Each path gives a set of annotations, by its position. */
  sets: { path: string; format: AnnotationFormatName }[];
  /** Whether nobody named the paths: they were found beside the images. */
  found: boolean;
  task?: AnnotationTask | undefined;
  columns?: Readonly<Record<string, string>> | undefined;
  split?: string | undefined;
  replace: boolean;
}

/**
 * Settles what is read.
 *
 * @throws UserError AnnotationsNotFound, AnnotationsUnclear
 */
export async function planAnnotations(files: AnnotationFiles, asked: AnnotationSource): Promise<AnnotationPlan> {
  const { field, task, columns, split, replace } = asked;
  const sets: AnnotationPlan['sets'] = [];
  for (const path of asked.paths) sets.push(...(await setsOf(files, await findFormat(files, path, asked.format))));
  return { field, from: hashOf(sets), sets, found: false, task, columns, split, replace };
}

/**
 * What certainly are annotations in a folder of images. Undefined if there are none.
 *
 * @throws UserError AnnotationsUnclear
 */
export async function planFromFolder(
  files: AnnotationFiles,
  root: string,
  field: string,
): Promise<AnnotationPlan | undefined> {
  const found = await findBesideImages(files, root);
  if (found === undefined) return undefined;
  const sets = await setsOf(files, found);
  return { field, from: hashOf(sets), sets, found: true, replace: false };
}

/** The most files of a folder that are sets of their own. */
const MOST_FILES = 100;

/**
 * Files of COCO in one folder are sets of their own: instances, keypoints and captions name the same images, each with
 * IDs of its own.
 */
async function setsOf(files: AnnotationFiles, found: FoundFormat): Promise<FoundFormat[]> {
  if (found.format !== 'coco') return [found];
  const sets: FoundFormat[] = [];
  for await (const { file, ...one } of cocoFiles(found.path, files)) {
    // A set is opened by its path as text, and one that can't be read ends the job. Within a folder, it does not.
    if (file.bytes !== undefined || 'unreadable' in one) return [found];
    sets.push({ format: 'coco', path: file.path });
  }
  return sets.length > MOST_FILES ? [found] : sets;
}

const hashOf = (sets: AnnotationPlan['sets']) =>
  createHash('sha256')
    .update(JSON.stringify(sets.map(({ path }) => path)))
    .digest('hex')
    .slice(0, 16);
