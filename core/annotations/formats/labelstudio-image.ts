import { isPictureName } from '../image-extensions.ts';
import { InvalidValue, shown } from '../reading/invalid-value.ts';
import { fieldOf, isObject } from '../reading/json-object.ts';
import { pathsOf } from '../reading/paths.ts';
import type { NamedImage } from './format.ts';

/**
 * The image of a task. It is `data.image`, or the only value of `data` that looks like the name of an image: projects
 * name it as they like.
 * - A file of the server's disk (`/data/local-files/?d=NAME`) has the name behind `?d=`.
 * - An uploaded file (`/data/upload/1/0123abcd-NAME`) has a prefix that Label Studio gave it. Both names are tried.
 * - Of other URLs, the last part is the name. One of an object store may be a path of a sample, too.
 *
 * @param folder the folder that names count from
 * @throws InvalidValue unknown_reference
 */
export function labelStudioImage(data: unknown, folder: string): NamedImage {
  const url = isObject(data) ? urlOf(data) : undefined;
  if (url === undefined || /^data:/i.test(url))
    throw new InvalidValue('unknown_reference', `The task names no image: its data are ${shown(data)}.`);
  const local = /\/data\/local-files\/?\?(?:.*&)?d=([^&]*)/.exec(url)?.[1];
  if (local !== undefined) {
    const name = decoded(local);
    return { name, paths: pathsOf(folder, name) };
  }
  const [address = ''] = url.split(/[?#]/);
  const name = decoded(address.slice(address.lastIndexOf('/') + 1));
  if (name === '') throw new InvalidValue('unknown_reference', `The URL ${shown(url)} names no file.`);
  const original = address.includes('/upload/') ? /^[0-9a-f]{8}-(.+)$/s.exec(name)?.[1] : undefined;
  const otherNames = original === undefined ? [] : [original];
  const paths = [name, ...otherNames].flatMap((one) => pathsOf(folder, one));
  const isStore = /^[a-z0-9]+:\/\//i.test(address) && !/^https?:/i.test(address);
  return { name, paths: isStore ? [url, ...paths] : paths, ...(otherNames.length > 0 && { otherNames }) };
}

function urlOf(data: Record<string, unknown>): string | undefined {
  const image = fieldOf(data, 'image');
  if (typeof image === 'string') return image;
  const names = Object.values(data).filter(
    (value): value is string => typeof value === 'string' && isPictureName(value.replace(/\?.*$/s, '')),
  );
  return names.length === 1 ? names[0] : undefined;
}

/** A name without percent signs of a URL. A name that has others is meant as it is. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
