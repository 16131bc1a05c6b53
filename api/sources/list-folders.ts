import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemErrorCode } from '../../core/errors.ts';
import type { Media } from '../../core/media/medium.ts';
import { isBelowRoots, type SourceRoots } from '../../core/sources/folder/source-roots.ts';
import { createSelection } from '../../core/sources/selection.ts';
import { problemOf } from '../problem/to-problem.ts';
import type { Folders } from '../schemas/server.ts';

const MOST_FOLDERS = 1000;

/**
 * Lists the folders in a folder, given by its absolute path, and counts its files, as a load without rules of its own would take them.
 *
 * @throws ProblemError SourceOutsideRoots, FolderNotFound
 */
export async function listFolders(path: string, roots: SourceRoots, media: Media): Promise<Folders> {
  const folder = resolve(path);
  if (roots !== undefined && !(await isBelowRoots(folder, roots)))
    throw problemOf('SourceOutsideRoots', 'path: this is not in or below a source root of this server.');
  const entries = await entriesOf(folder);
  const selection = createSelection((name) => media.all.some((medium) => medium.accepts(name)));
  const files = entries.filter((entry) => !entry.isDirectory() && selection.verdictOn(entry.name) === 'taken');
  const names = entries
    .filter((entry) => entry.isDirectory() && selection.enters(entry.name) && !entry.name.includes('\ufffd'))
    .map(({ name }) => name)
    .sort();
  return {
    path: folder,
    parent: roots?.includes(folder) || folder === '/' ? null : dirname(folder),
    folders: names.slice(0, MOST_FOLDERS).map((name) => ({ path: join(folder, name), name })),
    truncated: names.length > MOST_FOLDERS,
    ...countFiles(
      files.map(({ name }) => name),
      media,
    ),
  };
}

/** Files beside those of another medium may be notes about them: a load takes the files that speak for their medium. */
function countFiles(names: readonly string[], { all }: Media): Pick<Folders, 'files' | 'media'> {
  const media = all.map((medium) => {
    const own = names.filter((name) => medium.accepts(name));
    return { medium: medium.name, files: own.length, speaks: own.some((name) => medium.suggests?.(name) !== false) };
  });
  const taken = media.some(({ speaks }) => speaks) ? media.filter(({ speaks }) => speaks) : media;
  return {
    files: taken.reduce((sum, { files }) => sum + files, 0),
    media: Object.fromEntries(media.filter(({ files }) => files > 0).map(({ medium, files }) => [medium, files])),
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
