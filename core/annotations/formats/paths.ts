/** Paths of any source, by their text alone. They begin with a slash or a scheme; parts are separated by slashes. */

/** A relative path from a folder on, without `.` and `..`. */
export function joinPath(folder: string, relative: string): string {
  const parts = folder.replace(/\/+$/, '').split('/');
  for (const part of relative.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 1) parts.pop();
  }
  return parts.join('/') || '/';
}

/** The folder that a path is in. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/'))) || '/';

/** The last part of a path. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** A path without its extension. */
export const withoutExtension = (path: string): string => path.replace(/\.[^./]*$/, '');

/** A path as seen from a folder, or the whole path if it is elsewhere. */
export function relativeTo(folder: string, path: string): string {
  const prefix = folder.endsWith('/') ? folder : `${folder}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : path;
}

/** A name as people of any system write it, with slashes. */
export const withSlashes = (name: string): string => name.replaceAll('\\', '/');

/** Whether a name leads upwards. Such a name is never opened. */
export const leadsUp = (name: string): boolean => name.split('/').includes('..');
