import { createHash } from 'node:crypto';
import type { AnnotationSource } from '../../contract/annotations.ts';
import { type FoundFormat, findBesideImages, findFormat } from './find-format.ts';
import type { AnnotationFormatName, AnnotationTask } from './formats/format.ts';
import { lookAtFile, unlessUnavailable } from './look-at-file.ts';
import type { AnnotationFiles } from './reading/annotation-files.ts';

/** What a job reads, settled once when it begins. */
export interface AnnotationPlan {
  field: string;
  /** A hash of the paths. What they gave before and no longer give is removed. */
  from: string;
  /** Each path gives a set of annotations. They are read in this order, and stored by `setKey`. */
  sets: { path: string; format: AnnotationFormatName }[];
  /** Whether nobody named the paths: they were found beside the images. */
  found: boolean;
  task?: AnnotationTask | undefined;
  columns?: Readonly<Record<string, string>> | undefined;
  split?: string | undefined;
  /** Only samples below this folder are meant: a load's annotations are those of its source. */
  below?: string;
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
  for (const path of asked.paths) {
    const found = await findFormat(files, path, asked.format);
    const ofPath = await setsOf(files, found);
    sets.push(...(sets.length + ofPath.length <= MOST_SETS ? ofPath : [found]));
  }
  return { field, from: hashOf(asked.paths), sets, found: false, task, columns, split, replace };
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
  const sets = (await setsOf(files, found)).filter(({ path, format }) => format !== 'coco' || isOfRoboflow(path));
  return { field, from: hashOf([found.path]), sets, found: true, below: root, replace: false };
}

/** The name that Roboflow gives annotations of COCO. Other files of COCO may be predictions, or anything. */
const isOfRoboflow = (path: string) => path.endsWith('/_annotations.coco.json');

/** The most sets of a plan: each event of the job's history that holds the plan stays small. */
const MOST_SETS = 200;

/**
 * Files of COCO in one folder are sets of their own: instances, keypoints and captions name the same images, each with
 * IDs of its own. Their beginnings tell which they are: to read them is another step's work.
 */
async function setsOf(files: AnnotationFiles, found: FoundFormat): Promise<FoundFormat[]> {
  if (found.format !== 'coco' || (await files.kindOf(found.path)) !== 'folder') return [found];
  const sets: FoundFormat[] = [];
  for await (const listed of files.list(found.path, (name) => name.toLowerCase().endsWith('.json')))
    for (const file of listed) {
      // A set is opened by its path as text.
      if (file.bytes !== undefined) return [found];
      // An unreadable file stays a set, or its earlier annotations would be removed. Its reader names the fault.
      const look = lookAtFile(files, file).then((format) => ({ format }));
      const { format } = (await unlessUnavailable(look)) ?? { format: 'coco' };
      if (format === 'coco') sets.push({ format, path: file.path });
      if (sets.length > MOST_SETS) return [found];
    }
  return sets.length === 0 ? [found] : sets;
}

const hashOf = (paths: readonly string[]) =>
  createHash('sha256').update(JSON.stringify(paths)).digest('hex').slice(0, 16);

/** The key of the set of a path. A position would change with the other files of its folder. */
export const setKey = (path: string): string => hashOf([path]);
