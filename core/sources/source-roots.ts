import { lstat, realpath } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { systemErrorCode, UserError } from '../errors.ts';

/** Folders that sources must be in or below. Undefined where any folder may be a source; an empty list allows none. */
export type SourceRoots = readonly string[] | undefined;

/**
 * What PLIMSOLL_SOURCE_ROOTS names: folders, separated as in PATH; undefined where it is not set.
 *
 * @throws UserError InvalidSetting for a root that is not absolute
 */
export function sourceRootsFromEnvironment(env: NodeJS.ProcessEnv = process.env): SourceRoots {
  const roots = (env.PLIMSOLL_SOURCE_ROOTS ?? '').split(delimiter).filter((root) => root !== '');
  return roots.length === 0 ? undefined : checkRoots(roots, 'PLIMSOLL_SOURCE_ROOTS');
}

/** @throws UserError InvalidSetting for a root that is not absolute; `setting` is named in it */
export function checkRoots(roots: readonly string[], setting: string): readonly string[] {
  for (const root of roots) {
    if (!isAbsolute(root)) {
      throw new UserError('InvalidSetting', `${setting}: "${root}" is not an absolute path.`);
    }
  }
  return roots.map((root) => resolve(root));
}

/**
 * Refuses a source that is not in or below one of the roots once all links are resolved. Says the same of a folder outside
 * whether it exists or not, so that nobody learns from it what there is.
 *
 * @throws UserError SourceOutsideRoots
 */
export async function requireBelowRoots(source: string, roots: SourceRoots): Promise<void> {
  if (roots === undefined || (await isBelowRoots(source, roots))) return;
  throw new UserError(
    'SourceOutsideRoots',
    `source: ${source} is not below a folder that loads may read. Name one that is, or have the folder added to the worker's source roots (PLIMSOLL_SOURCE_ROOTS).`,
  );
}

/** Whether a path is in or below one of the roots once all links are resolved. It need not exist. */
export async function isBelowRoots(path: string, roots: readonly string[]): Promise<boolean> {
  const real = await resolveLinks(resolve(path));
  if (real === undefined) return false;
  // Each time anew: a root may be a link that is moved, or a disk that is mounted later.
  for (const root of roots) {
    const realRoot = await resolveLinks(resolve(root));
    if (realRoot !== undefined && isInOrBelow(real, realRoot)) return true;
  }
  return false;
}

function isInOrBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** The path without links: of what exists of it, with the rest as it is. Undefined where it can't be told. */
async function resolveLinks(path: string): Promise<string | undefined> {
  const rest: string[] = [];
  for (let existing = path; ; existing = dirname(existing)) {
    try {
      return join(await realpath(existing), ...rest);
    } catch (error) {
      const code = systemErrorCode(error);
      if ((code !== 'ENOENT' && code !== 'ENOTDIR') || existing === dirname(existing)) return undefined;
      // A link to nothing: where it leads may come to be.
      if (await isThere(existing)) return undefined;
      rest.unshift(relative(dirname(existing), existing));
    }
  }
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
