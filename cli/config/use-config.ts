import { delimiter } from 'node:path';
import type { Command } from 'commander';
import { findConfig } from './find-config.ts';
import type { ConfigFile } from './read-config.ts';
import type { Tables } from './tables.ts';

let file: ConfigFile | undefined;
/** Tables and keys by the variables that they filled. */
let filled: ReadonlyMap<string, { table: string; key: string }> = new Map();

/** The file that the command of this process uses. */
export const usedConfig = (): ConfigFile | undefined => file;

/** The place of a variable's value in the file, `/project/plimsoll.toml:12`; undefined if it is not the file's. */
export function placeOf(variable: string): string | undefined {
  const from = filled.get(variable);
  return from && file?.whereIs(from.table, from.key);
}

/** Commands that take the defaults of jobs from the file, and the kind of job that each starts. */
const STARTS: Readonly<Record<string, 'load' | 'embed'>> = {
  load: 'load',
  encode: 'load',
  up: 'load',
  'schedule create': 'load',
  embed: 'embed',
};

const SEARCH_OPTIONS = ['limit', 'model', 'mode'] as const;

/**
 * Finds plimsoll.toml before a command begins. Settings fill the environment variables that are not set, so that this
 * process and those that it starts read them as ever; options that were not on the command line get the file's values.
 *
 * @throws UserError InvalidConfig
 */
export async function useConfig(command: Command): Promise<void> {
  file = undefined;
  filled = new Map();
  const path = findConfig(command.optsWithGlobals<{ config?: string | false }>().config);
  if (path === undefined) return;
  // The parser and the schemas are loaded only if there is a file.
  const [{ readConfig }, { TABLES }, { jobDefaults, joined }] = await Promise.all([
    import('./read-config.ts'),
    import('./tables.ts'),
    import('./job-defaults.ts'),
  ]);
  file = await readConfig(path);
  filled = fillEnvironment(file.values, TABLES);
  const name = nameOf(command);
  const kind = STARTS[name];
  if (kind !== undefined) command.setOptionValueWithSource('defaults', jobDefaults(file.values, kind), 'config');
  if (name === 'search') fillSearchOptions(command, joined(file.values.search ?? {}));
}

function fillSearchOptions(command: Command, search: ConfigFile['values'][string]): void {
  const [, words] = command.args;
  for (const option of SEARCH_OPTIONS) {
    if (search[option] === undefined || command.getOptionValueSource(option) === 'cli') continue;
    // A mode is a way to search for words; with another query, it is refused.
    if (option === 'mode' && words === undefined) continue;
    command.setOptionValueWithSource(option, search[option], 'config');
  }
}

/** `schedule create` */
function nameOf(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${nameOf(parent)} ${command.name()}` : command.name();
}

/**
 * Sets the variables that the file has values for. A variable that is set stays, even if it is empty. If the environment
 * names a Temporal server, the file's is not used at all: its address would override the environment's profile.
 */
function fillEnvironment(
  values: ConfigFile['values'],
  tables: Tables,
  env: NodeJS.ProcessEnv = process.env,
): typeof filled {
  const sources = new Map<string, { table: string; key: string }>();
  const namesTemporal = env.TEMPORAL_ADDRESS !== undefined || env.TEMPORAL_PROFILE !== undefined;
  for (const [table, entries] of Object.entries(values)) {
    for (const [key, value] of Object.entries(entries)) {
      const { variable, names } = tables[table]?.keys[key] ?? {};
      if (variable === undefined || env[variable] !== undefined) continue;
      if (namesTemporal && variable.startsWith('TEMPORAL_')) continue;
      env[variable] = Array.isArray(value) ? value.join(names === 'path' ? delimiter : ',') : String(value);
      sources.set(variable, { table, key });
    }
  }
  return sources;
}
