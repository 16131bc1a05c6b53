import { relative } from 'node:path';
import { withoutPassword } from '../../client/connect.ts';
import type { CommonOptions } from '../options.ts';
import { createOutput } from '../output.ts';
import type { Paint } from '../terminal/paint.ts';
import { printable } from '../terminal/printable.ts';
import { defaultOf } from './job-defaults.ts';
import type { ConfigFile } from './read-config.ts';
import { type Key, TABLES } from './tables.ts';
import { placeOf, usedConfig } from './use-config.ts';

/** A key of the file, what holds, and where that comes from. */
export interface ShownSetting {
  /** `load.max_failed_percent` */
  key: string;
  /** Null if nothing is set. */
  value: unknown;
  source: 'flag' | 'environment' | 'file' | 'default';
  /** The option, the variable, or the place in the file; null for a default. */
  from: string | null;
}

export function showConfig(options: CommonOptions): void {
  const output = createOutput(options);
  const file = usedConfig();
  const settings = settingsOf(file, options);
  output.result({ file: file?.path ?? null, settings }, () => linesOf(file, settings, output.paint));
}

function settingsOf(file: ConfigFile | undefined, { data }: CommonOptions): ShownSetting[] {
  return Object.entries(TABLES).flatMap(([table, { keys }]) =>
    Object.entries(keys).map(([key, definition]): ShownSetting => {
      const name = `${table}.${key}`;
      if (name === 'servers.data' && data !== undefined)
        return { key: name, value: data, source: 'flag', from: '--data' };
      const found = definition.variable === undefined ? inFile(file, table, key) : inEnvironment(definition.variable);
      const value = found?.value ?? definition.otherwise ?? null;
      return { key: name, value: masked(value), source: found?.source ?? 'default', from: found?.from ?? null };
    }),
  );
}

type Found = Pick<ShownSetting, 'value' | 'source' | 'from'> | undefined;

/** The value that a job would get. A load also takes what other tables say of it. */
function inFile(file: ConfigFile | undefined, table: string, key: string): Found {
  if (file === undefined) return undefined;
  const { value, place } =
    table === 'load' || table === 'embed'
      ? (defaultOf(file.values, table, key) ?? {})
      : { value: file.values[table]?.[key], place: [table, key] as const };
  if (value === undefined || place === undefined) return undefined;
  return { value, source: 'file', from: file.whereIs(...place) };
}

/** The file has filled the variables that were not set. */
function inEnvironment(variable: NonNullable<Key['variable']>): Found {
  const value = process.env[variable];
  if (value === undefined || value === '') return undefined;
  const place = placeOf(variable);
  return place === undefined
    ? { value, source: 'environment', from: variable }
    : { value, source: 'file', from: place };
}

/** Without the passwords of addresses. */
const masked = (value: unknown): unknown => (typeof value === 'string' ? withoutPassword(value) : value);

function linesOf(file: ConfigFile | undefined, settings: readonly ShownSetting[], paint: Paint): string[] {
  const width = Math.max(...settings.map(({ key }) => key.length - key.indexOf('.') - 1)) + 2;
  const lines = [file === undefined ? 'No plimsoll.toml here or above.' : printable(file.path)];
  let table = '';
  for (const { key, value, from } of settings) {
    const [of = '', name = ''] = key.split('.');
    if (of !== table) lines.push('', paint.bold(`[${of}]`));
    table = of;
    const shown = value === null ? paint.dim('not set') : printable(asText(value));
    lines.push(`  ${name.padEnd(width)}${shown}${from === null ? '' : paint.dim(`  (${printable(shortened(from))})`)}`);
  }
  return lines;
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** A place in a file below this folder, or the shorter of both ways to write it. */
function shortened(from: string): string {
  if (!from.startsWith('/')) return from;
  const written = relative('', from);
  return written.length < from.length ? written : from;
}
