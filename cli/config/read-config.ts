import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse, type TomlError, type TomlTable } from 'smol-toml';
import type { z } from 'zod';
import { inWords } from '../../contract/faults-in-words.ts';
import { UserError } from '../../core/errors.ts';
import { isTable, type KeyPath, keyLines } from './key-lines.ts';
import { nearest } from './nearest.ts';
import { type Key, TABLES, type Tables } from './tables.ts';

/** A configuration file that was read and found right. */
export interface ConfigFile {
  path: string;
  /** The values by table and key. Paths are absolute. */
  values: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** `/project/plimsoll.toml:12`, where a key is. */
  whereIs(table: string, key: string): string;
}

/** @throws UserError InvalidConfig naming file, line and key of everything that is wrong */
export async function readConfig(path: string, tables: Tables = TABLES): Promise<ConfigFile> {
  const text = await textOf(path);
  const document = documentIn(path, text);
  const faults = faultsIn(document, tables);
  let lines: ReturnType<typeof keyLines> | undefined;
  const lineOf = (key: KeyPath) => {
    lines ??= keyLines(text);
    return lines(key);
  };
  if (faults.length > 0) {
    throw new UserError(
      'InvalidConfig',
      faults.map(({ key, message }) => `${path}:${lineOf(key) ?? 1}: ${message}`).join('\n'),
    );
  }
  return {
    path,
    values: Object.fromEntries(
      Object.entries(document).map(([table, values]) => [
        table,
        Object.fromEntries(
          Object.entries(values as TomlTable).map(([key, value]) => [
            key,
            withPaths(value, tables[table]?.keys[key]?.names, dirname(path)),
          ]),
        ),
      ]),
    ),
    whereIs: (table, key) => `${path}:${lineOf([table, key]) ?? 1}`,
  };
}

async function textOf(path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    const why = error instanceof TypeError ? 'it is not UTF-8' : (error as Error).message;
    throw new UserError('InvalidConfig', `${path} can't be read: ${why}.`, { cause: error });
  }
}

/** The parser's own message shows the lines around the error, which may hold a password. */
function documentIn(path: string, text: string): TomlTable {
  try {
    return parse(text) as TomlTable;
  } catch (error) {
    const { line, column, message } = error as TomlError;
    const [, what = ''] = /^Invalid TOML document: (.*)/.exec(message) ?? [];
    throw new UserError('InvalidConfig', `${path}:${line}:${column}: this is not TOML: ${what}.`);
  }
}

interface Fault {
  key: KeyPath;
  message: string;
}

function faultsIn(document: TomlTable, tables: Tables): Fault[] {
  return Object.entries(document).flatMap(([name, values]): Fault[] => {
    const table = own(tables, name);
    if (table === undefined) return [{ key: [name], message: unknownTable(name, tables) }];
    if (!isTable(values)) return [{ key: [name], message: `${name} must be a table: write [${name}].` }];
    const faults = Object.entries(values).flatMap(([key, value]) => {
      const known = own(table.keys, key);
      if (known === undefined) return [{ key: [name, key], message: unknownKey(name, key, tables) }];
      return faultsOf([name, key], value, known.schema);
    });
    return faults.length > 0 || table.together === undefined ? faults : faultsOf([name], values, table.together);
  });
}

/** Without what every object has, such as `constructor`. */
const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

function faultsOf(key: KeyPath, value: unknown, schema: z.ZodType): Fault[] {
  const { error } = schema.safeParse(value, { error: inWords });
  return (error?.issues ?? []).map(({ path, message }) => {
    const whole = [...key, ...(path as (string | number)[])];
    return { key: whole, message: `${whole.join('.')} ${message}.` };
  });
}

function unknownTable(name: string, tables: Tables): string {
  const holders = holdersOf(name, tables);
  const near = nearest(name, Object.keys(tables));
  const hint =
    holders.length > 0
      ? `It belongs in ${holders.map((table) => `[${table}]`).join(' or ')}.`
      : near === undefined
        ? ''
        : `Did you mean [${near}]?`;
  const all = Object.keys(tables).map((table) => `[${table}]`);
  return `${[`there is no table or key "${name}" here.`, hint].filter(Boolean).join(' ')} The tables: ${all.join(', ')}.`;
}

function unknownKey(table: string, key: string, tables: Tables): string {
  const known = Object.keys(tables[table]?.keys ?? {});
  const near = nearest(key, known);
  const holders = holdersOf(key, tables);
  const hint =
    near !== undefined
      ? `Did you mean ${near}?`
      : holders.length > 0
        ? `It belongs in ${holders.map((holder) => `[${holder}]`).join(' or ')}.`
        : '';
  return `${[`[${table}] has no key "${key}".`, hint].filter(Boolean).join(' ')} Its keys: ${known.join(', ')}.`;
}

/** The tables that have a key of this name. */
const holdersOf = (key: string, tables: Tables): string[] =>
  Object.keys(tables).filter((table) => Object.hasOwn(tables[table]?.keys ?? {}, key));

function withPaths(value: unknown, names: Key['names'], folder: string): unknown {
  if (names === undefined) return value;
  if (Array.isArray(value)) return value.map((each) => withPaths(each, names, folder));
  const text = String(value);
  if (text === '~' || text.startsWith('~/')) return join(homedir(), text.slice(1));
  return names === 'path' || /^\.{1,2}(\/|$)/.test(text) ? resolve(folder, text) : text;
}
