/** Names of folders, and the paths below them. */
import { isAbsolute, resolve } from 'node:path';

/** A folder's name without `.`, `..` and slashes at its end. It need not exist, nor be of a kind that is known here. */
export const folderNameOf = (name: string): string => (isAbsolute(name) ? resolve(name) : name.replace(/\/+$/, ''));

/** What every path below a folder begins with. */
const beginOf = (folder: string): string => `${folder === '/' ? '' : folder}/`;

/** The paths below a folder are those between `after` and `before`, both exclusive: '0' follows '/'. */
export const rangeBelow = (folder: string): { after: string; before: string } => ({
  after: beginOf(folder),
  before: `${beginOf(folder).slice(0, -1)}0`,
});

/** Whether a path is below a folder. */
export const isBelow = (path: string, folder: string): boolean => path.startsWith(beginOf(folder));

/** Whether a folder is another one or below it. */
export const isInOrBelow = (folder: string, other: string): boolean => folder === other || isBelow(folder, other);
