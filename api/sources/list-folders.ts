import { readdir } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { systemErrorCode } from '../../core/errors.ts';
import { isBelowRoots, type SourceRoots } from '../../core/sources/folder/source-roots.ts';
import type { Selection } from '../../core/sources/selection.ts';
import { problemOf } from '../problem/to-problem.ts';
import type { Folders } from '../schemas/server.ts';

const MOST_FOLDERS = 1000;

/**
 * Lists the folders in a folder, and counts its files, as a load without rules of its own would take them.
 *
 * @throws ProblemError SourceOutsideRoots, FolderNotFound, InvalidParameter
 */
export async function listFolders(path: string, roots: SourceRoots, selection: Selection): Promise<Folders> {
  if (!isAbsolute(path) || path.includes('\0'))
    throw problemOf('InvalidParameter', 'path: give the absolute path of a folder.', {
      errors: [{ in: 'query', field: 'path', message: 'is no absolute path' }],
    });
  const folder = resolve(path);
  if (roots !== undefined && !(await isBelowRoots(folder, roots)))
    throw problemOf('SourceOutsideRoots', 'path: this is not in or below a source root of this server.');
  const entries = await entriesOf(folder);
  const names = entries
    .filter((entry) => entry.isDirectory() && selection.enters(entry.name) && !entry.name.includes('\ufffd'))
    .map(({ name }) => name)
    .sort();
  return {
    path: folder,
    parent: roots?.includes(folder) || folder === '/' ? null : dirname(folder),
    folders: names.slice(0, MOST_FOLDERS).map((name) => ({ path: join(folder, name), name })),
    truncated: names.length > MOST_FOLDERS,
    files: entries.filter((entry) => !entry.isDirectory() && selection.verdictOn(entry.name) === 'taken').length,
  };
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw problemOf('FolderNotFound', `path: there is no folder that this server can read (${code}).`);
  }
}
