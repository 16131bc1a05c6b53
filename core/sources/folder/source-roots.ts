import { readlink, realpath } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { systemErrorCode, UserError } from '../../errors.ts';

/** Folders that must contain all sources. Undefined allows any folder; an empty list allows none. */
export type SourceRoots = readonly string[] | undefined;

/**
 * The folders in PLIMSOLL_SOURCE_ROOTS, separated as in PATH. Undefined if the variable is not set.
 *
 * @throws UserError InvalidSetting for a root that is not absolute
 */
export function sourceRootsFromEnvironment(env: NodeJS.ProcessEnv = process.env): SourceRoots {
  const roots = (env.PLIMSOLL_SOURCE_ROOTS ?? '').split(delimiter).filter((root) => root !== '');
  return roots.length === 0 ? undefined : checkRoots(roots, 'PLIMSOLL_SOURCE_ROOTS');
}

/**
 * Returns the roots if all are absolute paths.
 *
 * @param setting the setting's name, for the message
 * @throws UserError InvalidSetting for a root that is not absolute
 */
export function checkRoots(roots: readonly string[], setting: string): readonly string[] {
  for (const root of roots) {
    if (!isAbsolute(root)) {
      throw new UserError('InvalidSetting', `${setting}: "${root}" is not an absolute path.`);
    }
  }
  return roots.map((root) => resolve(root));
}

/**
 * Refuses a source that is not in or below one of the roots once all links are resolved. The message is the same
 * whether or not the folder exists, so it reveals nothing about folders outside the roots.
 *
 * @throws UserError SourceOutsideRoots
 */
export async function requireBelowRoots(source: string, roots: SourceRoots): Promise<void> {
  if (roots === undefined || (await isBelowRoots(source, roots))) return;
  throw sourceOutsideRoots(source);
}

/** The error for a source outside the source roots. */
export const sourceOutsideRoots = (source: string) =>
  new UserError(
    'SourceOutsideRoots',
    `source: ${source} is not below a folder that loads may read. ` +
      "Name one that is, or have the folder added to the worker's source roots (PLIMSOLL_SOURCE_ROOTS).",
  );

/** Whether a path is in or below one of the roots once all links are resolved. The path need not exist. */
export async function isBelowRoots(path: string, roots: readonly string[]): Promise<boolean> {
  const check = await openRootCheck(roots);
  return check(Buffer.from(resolve(path)));
}

/** Whether an absolute path, as bytes, is in or below a root once all links are resolved. The path need not exist. */
export type RootCheck = (path: Buffer) => Promise<boolean>;

/** Creates a short-lived check: it resolves the roots only once. */
export async function openRootCheck(roots: readonly string[]): Promise<RootCheck> {
  const resolved = await Promise.all(roots.map((root) => resolveLinks(latin1Of(Buffer.from(resolve(root))))));
  const folders = resolved.filter((folder) => folder !== undefined);
  return async (path) => {
    const real = await resolveLinks(latin1Of(path));
    return real !== undefined && folders.some((folder) => isInOrBelow(real, folder));
  };
}

/** Roots are resolved again after this long. A root may be a link that moves, or a disk that is mounted later. */
const RESOLVE_INTERVAL_MS = 700;

/** Creates a long-lived check: it resolves the roots at intervals. */
export function createRootCheck(roots: readonly string[]): RootCheck {
  let opened: Promise<RootCheck> | undefined;
  let untilMs = Number.NEGATIVE_INFINITY;
  return async (path) => {
    if (opened === undefined || performance.now() > untilMs) {
      opened = openRootCheck(roots);
      untilMs = performance.now() + RESOLVE_INTERVAL_MS;
    }
    return (await opened)(path);
  };
}

/** Decodes bytes as Latin 1. Each byte becomes one character, so path functions work on any name. */
const latin1Of = (path: Buffer) => path.toString('latin1');
const bytesOf = (letters: string) => Buffer.from(letters, 'latin1');

function isInOrBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** The same maximum as in Linux. */
const MAX_LINKS = 40;

/**
 * Resolves the links of a path as far as the path exists, and appends the rest. Stops at a dangling or circular link.
 * Undefined if the path can't be resolved.
 */
async function resolveLinks(path: string, links = 0): Promise<string | undefined> {
  const rest: string[] = [];
  for (let existing = path; ; existing = dirname(existing)) {
    try {
      return join(await realpath(bytesOf(existing), { encoding: 'latin1' }), ...rest);
    } catch (error) {
      const code = systemErrorCode(error);
      if (!LEADS_NOWHERE.has(code ?? '') || existing === dirname(existing)) return undefined;
      const target = await readlink(bytesOf(existing), { encoding: 'latin1' }).catch(() => undefined);
      if (target !== undefined) {
        const folder = await resolveLinks(dirname(existing), links);
        if (folder === undefined) return undefined;
        return links < MAX_LINKS ? resolveLinks(resolve(folder, target, ...rest), links + 1) : join(folder, ...rest);
      }
      rest.unshift(relative(dirname(existing), existing));
    }
  }
}

const LEADS_NOWHERE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);
