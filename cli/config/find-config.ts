import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../../core/errors.ts';

export const CONFIG_NAME = 'plimsoll.toml';

/**
 * The path of the configuration file that holds: the one that `--config` or PLIMSOLL_CONFIG names, else the first
 * plimsoll.toml in this folder or one above. Undefined if there is none, or with `--no-config` or an empty
 * PLIMSOLL_CONFIG. Runs at the start of every command, so it reads nothing.
 *
 * @param named the value of `--config`; false for `--no-config`
 * @throws UserError InvalidConfig if a named file is not there
 */
export function findConfig(
  named: string | false | undefined,
  { cwd = process.cwd(), env = process.env }: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): string | undefined {
  const chosen = named ?? env.PLIMSOLL_CONFIG;
  if (chosen === undefined) return firstAbove(cwd);
  if (chosen === false || chosen === '') return undefined;
  const path = resolve(cwd, chosen);
  if (isFile(path)) return path;
  const by = named === undefined ? 'PLIMSOLL_CONFIG' : '--config';
  throw new UserError('InvalidConfig', `${by}: there is no file ${path}. Name one that is there, or leave it out.`);
}

function firstAbove(folder: string): string | undefined {
  const path = join(folder, CONFIG_NAME);
  if (isFile(path)) return path;
  const parent = dirname(folder);
  return parent === folder ? undefined : firstAbove(parent);
}

/** A pipe may be named: --config <(make-config) */
function isFile(path: string): boolean {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && !found.isDirectory();
  } catch {
    // The folder may not be entered.
    return false;
  }
}
