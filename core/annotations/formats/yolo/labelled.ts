/** The images of a dataset, each with the label files that it may have. */
import type { FileRef } from '../../../sources/files.ts';
import type { AnnotationFiles } from '../../reading/annotation-files.ts';
import { relativeTo, withoutExtension } from '../../reading/paths.ts';
import { splitNamed } from '../../reading/splits.ts';
import type { Dataset, ImageList, LabelFolder } from './dataset.ts';
import { isLabelName } from './label-file.ts';

/** Label files that are read at a time, to hide the latency of a network disk. */
const CONCURRENT = 16;

/** How far a reading has come: a place, and the last label file or the number of images in it. */
export interface Cursor {
  place: number;
  after?: string;
  images?: number;
}

/** An image by its paths without extensions, and its label file by those that it may have. */
export interface Labelled {
  base: string[];
  labels: FileRef[];
  split: string | undefined;
  next: Cursor;
}

/** The label files of a folder, a few at a time. */
export async function* filesOf(
  dataset: Dataset,
  place: LabelFolder,
  { place: index, after }: Cursor,
  files: AnnotationFiles,
): AsyncGenerator<Labelled[]> {
  // Images without labels, as test sets are.
  if ((await files.kindOf(place.labels)) !== 'folder') return;
  for await (const listed of files.list(place.labels, isLabelName, after)) {
    // A file in several places belongs to the innermost: `images` and `images/val` may both be named.
    const own = listed.filter(({ path }) => innermost(dataset, path) === place);
    for (let at = 0; at < own.length; at += CONCURRENT)
      yield own.slice(at, at + CONCURRENT).map((file) => {
        const { path } = file;
        const beside = withoutExtension(path);
        const among = beside.replace(/^(.*)\/labels\//s, '$1/images/');
        const split = place.split ?? splitOfFolders(relativeTo(dataset.root, path));
        return { base: [...new Set([among, beside])], labels: [file], split, next: { place: index, after: path } };
      });
  }
}

function innermost({ places }: Dataset, path: string): LabelFolder | undefined {
  let found: LabelFolder | undefined;
  for (const place of places)
    if (
      place.kind === 'folder' &&
      path.startsWith(`${place.labels}/`) &&
      place.labels.length > (found?.labels.length ?? 0)
    )
      found = place;
  return found;
}

const splitOfFolders = (path: string) =>
  path
    .split('/')
    .slice(0, -1)
    .map(splitNamed)
    .find((split) => split !== undefined);

/** The images of a list, a few at a time. */
export function* listedOf(dataset: Dataset, { images, split }: ImageList, cursor: Cursor): Generator<Labelled[]> {
  for (let at = cursor.images ?? 0; at < images.length; at += CONCURRENT)
    yield images.slice(at, at + CONCURRENT).flatMap((paths, index) => {
      const base = paths.map(withoutExtension);
      const labels = base.map((path) => ({ path: `${path.replace(/^(.*)\/images\//s, '$1/labels/')}.txt` }));
      // What a folder has is read there.
      if (labels.some(({ path }) => innermost(dataset, path) !== undefined)) return [];
      return [{ base, labels, split, next: { place: cursor.place, images: at + index + 1 } }];
    });
}
