/** Where the label files of a dataset are, and what their indices mean. */

import type { AnnotationClass } from '../../../../contract/annotation.ts';
import { UserError } from '../../../errors.ts';
import type { AnnotationFiles } from '../../reading/annotation-files.ts';
import { folderOf, joinPath, leadsUp, nameOf, withSlashes } from '../../reading/paths.ts';
import { decodeUtf8, linesOf } from '../../reading/text.ts';
import type { InvalidAnnotation } from '../format.ts';
import { type DataFile, type KeypointShape, parseDataFile } from './data-file.ts';

/** A folder below which label files are. Without a split, the folders on the way to a file tell it. */
export interface LabelFolder {
  kind: 'folder';
  labels: string;
  split?: string;
}

/** Images that a text file names. */
export interface ImageList {
  kind: 'list';
  file: string;
  split: string;
  /** Places where the image and its label file may be, the likeliest first. */
  images: string[][];
}

export interface Dataset {
  /** The folder that names are relative to. */
  root: string;
  places: (LabelFolder | ImageList)[];
  names?: ReadonlyMap<number, string>;
  keypoints?: KeypointShape;
  classes: AnnotationClass[];
  invalid: InvalidAnnotation[];
}

const DATA_FILES = ['data.yaml', 'data.yml', 'dataset.yaml', 'dataset.yml'];
/** All lists of a dataset. They are kept while it is read: COCO's 118,000 training images take 5 MB. */
const MAX_LIST_BYTES = 64 << 20;
/** Lines of lists that are told. */
const MAX_INVALID = 1000;

/** @throws UserError AnnotationsNotFound, AnnotationsBroken */
export async function openDataset(files: AnnotationFiles, path: string): Promise<Dataset> {
  const kind = await files.kindOf(path);
  if (kind === 'file') return datasetOfFile(files, path);
  if (kind === undefined)
    throw new UserError('AnnotationsNotFound', `${path}: there is no file or folder that may be read.`);
  for (const name of DATA_FILES) {
    const file = joinPath(path, name);
    if ((await files.kindOf(file)) === 'file') return datasetOfFile(files, file);
  }
  return datasetOfFolder(files, path);
}

/** The label folder of a folder of images: the last `/images/` becomes `/labels/`, as in Ultralytics. */
const labelsOf = (images: string) => `${images}/`.replace(/^(.*)\/images\//s, '$1/labels/').slice(0, -1);

async function datasetOfFile(files: AnnotationFiles, path: string): Promise<Dataset> {
  const data = parseDataFile(path, await files.read(path));
  const root = await rootOf(files, path, data);
  const dataset: Dataset = { root, places: [], classes: [], invalid: [], ...namesOf(path, data) };
  if (data.keypoints !== undefined) dataset.keypoints = data.keypoints;
  dataset.classes = classesOf(dataset.names, data);
  let listBytes = 0;
  const known = new Set<string>();
  for (const { split, places } of data.splits) {
    for (const place of places) {
      const found = await findPlace(files, root, withSlashes(place));
      if (found === undefined) {
        const message = `${JSON.stringify(split)} names ${JSON.stringify(place)}, where nothing is that may be read.`;
        dataset.invalid.push({ reason: 'unreadable_file', file: path, message });
      } else if (found.kind === 'folder') {
        // The same folder is often named as train and val. The first counts.
        if (!dataset.places.some((other) => other.kind === 'folder' && other.labels === found.labels))
          dataset.places.push({ ...found, split });
      } else {
        const bytes = await files.read(found.file);
        listBytes += bytes.length;
        if (listBytes > MAX_LIST_BYTES)
          throw new UserError('AnnotationsBroken', `${found.file}: lists of images have over ${MAX_LIST_BYTES} bytes.`);
        dataset.places.push({ ...found, split, images: imagesOf(found.file, bytes, root, known, dataset.invalid) });
      }
    }
  }
  if (dataset.places.length === 0)
    throw new UserError(
      'AnnotationsNotFound',
      `${path}: none of the folders that "train", "val" and "test" name is there. They were looked for below ${root}.`,
    );
  return dataset;
}

/**
 * Ultralytics looks for a relative `path` in a folder of its settings, which nobody else has, and files move between
 * machines: the folder of the file itself is the next best.
 */
async function rootOf(files: AnnotationFiles, file: string, data: DataFile): Promise<string> {
  const folder = folderOf(file);
  if (data.path === undefined || data.path.includes('://')) return folder;
  const path = withSlashes(data.path);
  const named = path.startsWith('/') ? joinPath('/', path) : joinPath(folder, path);
  return (await files.kindOf(named)) === 'folder' ? named : folder;
}

async function findPlace(
  files: AnnotationFiles,
  root: string,
  place: string,
): Promise<{ kind: 'folder'; labels: string } | { kind: 'list'; file: string } | undefined> {
  if (place.includes('://')) return undefined;
  const paths = [place.startsWith('/') ? joinPath('/', place) : joinPath(root, place)];
  // Roboflow writes `../train/images` and means `train/images`.
  if (place.startsWith('../')) paths.push(joinPath(root, place.slice(3)));
  for (const path of paths) {
    const kind = await files.kindOf(path);
    if (kind === 'file') return { kind: 'list', file: path };
    const labels = labelsOf(path);
    if (kind === 'folder' || (await files.kindOf(labels)) === 'folder') return { kind: 'folder', labels };
  }
  return undefined;
}

/** The images that the lines of a file name. Those that were named before are left out. */
function imagesOf(
  file: string,
  bytes: Buffer,
  root: string,
  known: Set<string>,
  invalid: InvalidAnnotation[],
): string[][] {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new UserError('AnnotationsBroken', `${file}: it is not UTF-8.`);
  const images: string[][] = [];
  for (const [index, line] of linesOf(text).entries()) {
    const name = withSlashes(line.trim());
    if (name === '') continue;
    if (leadsUp(name)) {
      const message = `${JSON.stringify(line.slice(0, 200))} leads out of its folder.`;
      if (invalid.length < MAX_INVALID) invalid.push({ reason: 'malformed', file, line: index + 1, message });
      continue;
    }
    const paths = name.startsWith('/') ? [name] : [joinPath(folderOf(file), name), joinPath(root, name)];
    const [first = name] = paths;
    if (known.has(first)) continue;
    known.add(first);
    images.push([...new Set(paths)]);
  }
  return images;
}

/** A folder without data.yaml: `labels` in it, or label files beside the pictures. */
async function datasetOfFolder(files: AnnotationFiles, path: string): Promise<Dataset> {
  const labels = joinPath(path, 'labels');
  const hasLabels = (await files.kindOf(labels)) === 'folder';
  const names = await namesBeside(files, nameOf(path) === 'labels' ? [path, folderOf(path)] : [path, labels]);
  return {
    root: path,
    places: [{ kind: 'folder', labels: hasLabels ? labels : path }],
    ...(names === undefined ? {} : { names }),
    classes: classesOf(names, {}),
    invalid: [],
  };
}

/** Names of classes, one a line. */
async function namesBeside(files: AnnotationFiles, folders: string[]): Promise<Map<number, string> | undefined> {
  for (const folder of folders) {
    for (const name of ['classes.txt', 'obj.names']) {
      const path = joinPath(folder, name);
      if ((await files.kindOf(path)) !== 'file') continue;
      const text = decodeUtf8(await files.read(path));
      if (text === undefined) throw new UserError('AnnotationsBroken', `${path}: it is not UTF-8.`);
      const lines = linesOf(text.trimEnd());
      return new Map(lines.map((line, index) => [index, line.trim()]));
    }
  }
  return undefined;
}

/** Names by index. If only their number is known, they are numbers. */
function namesOf(path: string, { names, count }: DataFile): { names?: ReadonlyMap<number, string> } {
  if (names !== undefined) return { names };
  if (count === undefined) return {};
  if (count > MAX_UNNAMED) throw new UserError('AnnotationsBroken', `${path}: "nc" is ${count}, which is too many.`);
  return { names: new Map(Array.from({ length: count }, (_, index) => [index, String(index)])) };
}

const MAX_UNNAMED = 100_000;

function classesOf(
  names: ReadonlyMap<number, string> = new Map(),
  { keypointNames }: Pick<DataFile, 'keypointNames'>,
): AnnotationClass[] {
  return [...names].map(([id, name]) => {
    const keypoints = Array.isArray(keypointNames) ? keypointNames : keypointNames?.get(id);
    return keypoints === undefined ? { name, id } : { name, id, keypoints };
  });
}
