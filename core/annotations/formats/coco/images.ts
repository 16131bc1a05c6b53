import { basename, dirname, join, normalize } from 'node:path/posix';
import { isBelow } from '../../../folders.ts';
import type { NamedImage } from '../format.ts';
import { InvalidElement, type JsonObject, shown } from './values.ts';

/** What the name of a COCO file says of the images that it is about. */
export interface Layout {
  /** The folder of the file. */
  folder: string;
  /** Folders that hold images, the likeliest first. */
  folders: string[];
  split?: string;
}

const SPLITS: ReadonlyMap<string, string> = new Map([
  ['train', 'train'],
  ['val', 'val'],
  ['valid', 'val'],
  ['validation', 'val'],
  ['test', 'test'],
]);

/**
 * COCO keeps `annotations/instances_train2017.json` beside `train2017/`, Roboflow `train/_annotations.coco.json` beside
 * the images. Others have `images/` there, or beside the folder.
 *
 * @param path full path of the file
 */
export function layoutOf(path: string): Layout {
  const folder = dirname(path);
  const parent = dirname(folder);
  const part = basename(path, '.json').split('_').at(-1) as string;
  const isPart = /^[\w-]+$/.test(part);
  const split = SPLITS.get(part.replace(/(-dev)?\d*$/, '').toLowerCase()) ?? SPLITS.get(basename(folder).toLowerCase());
  return {
    folder,
    folders: [
      folder,
      join(folder, 'images'),
      ...(isPart ? [join(parent, part), join(parent, 'images', part)] : []),
      parent,
      join(parent, 'images'),
    ],
    ...(split !== undefined && { split }),
  };
}

/** Reads an element of `images`. A size of zero is unknown. @throws InvalidElement malformed, bad_geometry */
export function imageOf({ file_name: name, width, height }: JsonObject, layout: Layout): NamedImage {
  if (typeof name !== 'string' || name === '') throw new InvalidElement('malformed', `its file_name is ${shown(name)}`);
  const size = sizeOf(width, height);
  return { name, paths: pathsOf(name, layout), ...size };
}

function sizeOf(width: unknown, height: unknown): Pick<NamedImage, 'width' | 'height'> {
  if (!width || !height) return {};
  const isSize = (size: unknown): size is number => typeof size === 'number' && Number.isFinite(size) && size > 0;
  if (isSize(width) && isSize(height)) return { width, height };
  throw new InvalidElement('bad_geometry', `its size is ${shown(width)} x ${shown(height)}`);
}

/** Where an image may lie. A name that climbs is taken from the file's folder, and leads no further than its siblings. */
function pathsOf(name: string, { folder, folders }: Layout): string[] {
  const path = normalize(name.replaceAll('\\', '/'));
  if (path.startsWith('/')) return [path];
  if (/^[a-z]:/i.test(path)) return [];
  if (!path.startsWith('../')) return folders.map((each) => (each === '/' ? `/${path}` : `${each}/${path}`));
  const climbed = join(folder, path);
  return isBelow(climbed, dirname(folder)) ? [climbed] : [];
}

/**
 * The image of a prediction. Results name images by ID; Ultralytics adds the file's name, or takes the name without its
 * ending for the ID if it is no number.
 */
export function predictedImageOf({ image_id: id, file_name: name }: JsonObject): NamedImage | undefined {
  if (typeof name === 'string' && name !== '') return { name };
  return typeof id === 'string' ? { name: id } : undefined;
}
