import { parse, type TomlTable, type TomlValue } from 'smol-toml';

/** The names and indexes that lead to a value. */
export type KeyPath = readonly (string | number)[];

/**
 * Finds the line of each key of a TOML document, counted from 1. The parser gives none. A document whose first lines
 * parse by themselves ends there with a whole statement, so each key belongs to the first such part that holds it.
 */
export function keyLines(text: string): (path: KeyPath) => number | undefined {
  const lines = text.split(/\r?\n/);
  const found = new Map<string, number>();
  let first = 0;
  for (let end = 1; end <= lines.length; end++) {
    const part = parsed(lines.slice(0, end).join('\n'));
    if (part === undefined) continue;
    for (const path of pathsOf(part)) if (!found.has(keyOf(path))) found.set(keyOf(path), first + 1);
    first = end;
  }
  return (path) => found.get(keyOf(path));
}

const keyOf = (path: KeyPath): string => JSON.stringify(path);

function parsed(text: string): TomlTable | undefined {
  try {
    return parse(text) as TomlTable;
  } catch {
    return undefined;
  }
}

function* pathsOf(value: TomlValue, path: KeyPath = []): Generator<KeyPath> {
  if (path.length > 0) yield path;
  if (Array.isArray(value)) for (const [i, each] of value.entries()) yield* pathsOf(each, [...path, i]);
  else if (isTable(value)) for (const [name, each] of Object.entries(value)) yield* pathsOf(each, [...path, name]);
}

/** Whether a value is a table. A time is an object, too. */
export function isTable(value: unknown): value is TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
