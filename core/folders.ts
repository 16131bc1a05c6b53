/** Names of folders, and the paths below them. */
import { basename, isAbsolute, resolve } from 'node:path';

/** A folder's name without `.`, `..` and slashes at its end. It need not exist, nor be of a kind that is known here. */
export const folderNameOf = (name: string): string => (isAbsolute(name) ? resolve(name) : name.replace(/\/+$/, ''));

/**
 * Whether a name has a scheme, such as `s3://bucket`: it belongs to a source other than folders. One letter and a colon
 * is a Windows drive.
 */
export const hasScheme = (name: string): boolean => /^[a-z][a-z0-9+.-]+:/i.test(name);

/** The beginning of every path below a folder. */
const beginOf = (folder: string): string => (folder.endsWith('/') ? folder : `${folder}/`);

/** The paths below a folder are those between `after` and `before`, both exclusive: '0' follows '/'. */
export const rangeBelow = (folder: string): { after: string; before: string } => ({
  after: beginOf(folder),
  before: `${beginOf(folder).slice(0, -1)}0`,
});

/** Whether a path is below a folder. */
export const isBelow = (path: string, folder: string): boolean => path.startsWith(beginOf(folder));

/** A path below a folder, relative to it. */
export const relativeTo = (folder: string, path: string): string => path.slice(beginOf(folder).length);

/** The deepest of some folders that a path is below. */
export const deepestAbove = (path: string, folders: readonly string[]): string | undefined =>
  folders.filter((folder) => isBelow(path, folder)).sort((a, b) => b.length - a.length)[0];

/** The path below the source that holds it. If there are several sources, it begins with the source's name. */
export function pathInSources(path: string, sources: readonly string[]): string {
  const source = deepestAbove(path, sources);
  if (source === undefined) return path;
  return sources.length > 1 ? `${basename(source)}/${relativeTo(source, path)}` : relativeTo(source, path);
}

/** The path of the same name below another folder; that folder itself for the folder. */
export const movedPath = (path: string, { from, to }: { from: string; to: string }): string =>
  path === from ? to : beginOf(to) + relativeTo(from, path);

/** Whether one folder is the other or below it. */
export const overlap = (a: string, b: string): boolean => isInOrBelow(a, b) || isInOrBelow(b, a);

/** Whether a folder is another one or below it. */
export const isInOrBelow = (folder: string, other: string): boolean => folder === other || isBelow(folder, other);
