/** Paths of any source, by their text alone. They begin with a slash or a scheme; parts are separated by slashes. */

const SCHEME = /^[a-z][a-z0-9+.-]+:\/\//i;
const DRIVE = /^[a-z]:/i;

/** A relative path from a folder on, without `.` and `..`. It never leads out of the disk or the bucket. */
export function joinPath(folder: string, relative: string): string {
  const parts = folder.replace(/\/+$/, '').split('/');
  // The root of a disk is one part, and that of a bucket (`s3://bucket`) three.
  const root = SCHEME.test(folder) ? 3 : 1;
  for (const part of relative.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > root) parts.pop();
  }
  return parts.join('/') || '/';
}

/** The folder that a path is in. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/'))) || '/';

/** The last part of a path. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** A path without its last extension. */
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

/**
 * The full paths that a name in a file of annotations may mean, likeliest first. A backslash is a character of a name on
 * Linux, and a separator on Windows. The paths are compared with those of samples and never opened.
 *
 * @param folder the folder that relative names count from
 */
export function pathsOf(folder: string, name: string): string[] {
  const names = name.includes('\\') ? [name, withSlashes(name)] : [name];
  return names.flatMap((spelling) => {
    if (SCHEME.test(spelling)) return [spelling];
    if (DRIVE.test(spelling)) return [];
    return [spelling.startsWith('/') ? joinPath('/', spelling) : joinPath(folder, spelling)];
  });
}
