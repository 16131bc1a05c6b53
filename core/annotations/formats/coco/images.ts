import { isBelow } from '../../../folders.ts';
import { InvalidValue, shown } from '../../reading/invalid-value.ts';
import type { JsonObject } from '../../reading/json-object.ts';
import { folderOf, joinPath, leadsUp, nameOf, pathsOf, withSlashes } from '../../reading/paths.ts';
import { splitNamed } from '../../reading/splits.ts';
import type { NamedImage } from '../format.ts';

/** What the name of a COCO file says of the images that it is about. */
export interface Layout {
  /** The folder of the file. */
  folder: string;
  /** Folders that hold images, the likeliest first. */
  folders: string[];
  split?: string;
}

/**
 * COCO keeps `annotations/instances_train2017.json` beside `train2017/`, Roboflow `train/_annotations.coco.json` beside
 * the images. Others have `images/` there, or beside the folder.
 *
 * @param path full path of the file
 */
export function layoutOf(path: string): Layout {
  const folder = folderOf(path);
  const parent = folderOf(folder);
  const part = nameOf(path)
    .replace(/\.json$/i, '')
    .split('_')
    .at(-1) as string;
  const isPart = /^[\w-]+$/.test(part);
  const split = splitNamed(part.replace(/(-dev)?\d*$/, '')) ?? splitNamed(nameOf(folder));
  return {
    folder,
    folders: [
      folder,
      joinPath(folder, 'images'),
      ...(isPart ? [joinPath(parent, part), joinPath(parent, `images/${part}`)] : []),
      parent,
      joinPath(parent, 'images'),
    ],
    ...(split !== undefined && { split }),
  };
}

/** Reads an element of `images`. A size of zero is unknown. @throws InvalidValue malformed, bad_geometry */
export function imageOf({ file_name: name, width, height }: JsonObject, layout: Layout): NamedImage {
  if (typeof name !== 'string' || name === '') throw new InvalidValue('malformed', `Its file_name is ${shown(name)}.`);
  return { name, paths: placesOf(name, layout), ...sizeOf(width, height) };
}

function sizeOf(width: unknown, height: unknown): Pick<NamedImage, 'width' | 'height'> {
  if (!width || !height) return {};
  const isSize = (size: unknown): size is number => typeof size === 'number' && Number.isFinite(size) && size > 0;
  if (isSize(width) && isSize(height)) return { width, height };
  throw new InvalidValue('bad_geometry', `Its size is ${shown(width)} x ${shown(height)}.`);
}

/** Where an image may lie. A name that climbs is taken from the file's folder, and leads no further than its siblings. */
function placesOf(name: string, { folder, folders }: Layout): string[] {
  const plain = withSlashes(name);
  if (leadsUp(plain) && !plain.startsWith('/'))
    return pathsOf(folder, plain).filter((path) => isBelow(path, folderOf(folder)));
  return [...new Set(folders.flatMap((each) => pathsOf(each, name)))];
}

/**
 * The image of a prediction. Results name images by ID; Ultralytics adds the file's name, or takes the name without its
 * extension for the ID if it is no number.
 */
export function predictedImageOf({ image_id: id, file_name: name }: JsonObject): NamedImage | undefined {
  if (typeof name === 'string' && name !== '') return { name };
  return typeof id === 'string' ? { name: id, anyExtension: true } : undefined;
}
