import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { unknownZone } from '../client/time-zone.ts';
import { parseDuration } from '../core/duration.ts';

/** Parsers of values on the command line. Each says what it expects. */

export function wholeNumber(minimum: number, maximum = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return function parseWholeNumber(text) {
    const n = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (n >= minimum && n <= maximum) return n;
    const range = maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum} up` : `from ${minimum} to ${maximum}`;
    throw new InvalidArgumentError(`Expected a whole number ${range}.`);
  };
}

export function numberBetween(minimum: number, maximum: number): (text: string) => number {
  return function parseNumber(text) {
    const n = text.trim() === '' ? Number.NaN : Number(text);
    if (n >= minimum && n <= maximum) return n;
    throw new InvalidArgumentError(`Expected a number from ${minimum} to ${maximum}.`);
  };
}

export function time(text: string): Date {
  const date = new Date(text);
  if (!Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError('Expected a time, such as 2026-01-31 or 2026-01-31T18:00:00Z.');
}

/** A time, or how long ago it was. */
export function timeOrAge(text: string): Date {
  const ageMs = parseDuration(text);
  if (ageMs !== undefined) return new Date(Date.now() - ageMs);
  const date = new Date(text);
  if (!Number.isNaN(date.getTime()) && /^\d{4}-/.test(text)) return date;
  throw new InvalidArgumentError(
    'Expected a time, such as 2026-01-31 or 2026-01-31T18:00:00Z, or how long ago it was, such as 7d or 12h.',
  );
}

/** Milliseconds. */
export function age(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError(
    'Expected a time span with a unit, such as 30d, 12h or 1h30m: longer than zero, at most 68 years.',
  );
}

/** Collects the values of an option that may be given several times. */
export function oneOf<T extends string>(choices: readonly T[]): (text: string, before: T[] | undefined) => T[] {
  return function parseChoice(text, before = []) {
    const choice = choices.find((name) => name === text);
    if (choice === undefined) throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
    return [...before, choice];
  };
}

/** @returns the zone as it was written */
export function timeZone(text: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return text;
  } catch {
    throw new InvalidArgumentError(unknownZone(text));
  }
}

/** Undefined if TZ names no zone, which Node calls `Etc/Unknown` if it is empty: under cron and compose it easily is. */
function zoneHere(): string | undefined {
  const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions() as { timeZone?: string };
  return zone === 'Etc/Unknown' ? undefined : zone;
}

export const isMachineZoneKnown = (): boolean => zoneHere() !== undefined;

/** The zone that this machine's clock shows; UTC where that is not known. */
export const machineZone = (): string => zoneHere() ?? 'UTC';

export function fairnessKey(text: string): string {
  if (text !== '' && text.length <= 64) return text;
  throw new InvalidArgumentError('Expected a key of 1 to 64 characters, such as the name of a tenant or a team.');
}

/** Collects the addresses of an option that may be given several times. */
export function webhookUrl(text: string, before: string[] = []): string[] {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new InvalidArgumentError('Expected an http or https address, such as https://example.com/hooks/plimsoll.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError('It must not contain a user name or password: addresses are kept in histories.');
  }
  return [...before, text];
}

/** A model by name, or a folder: one that is written as a path is meant from here. */
export function model(text: string): string {
  return /^\.{1,2}(\/|$)/.test(text) ? resolve(text) : text;
}

export const jsonOption = () => new Option('--json', 'print one JSON document');
export const dataDirOption = () =>
  new Option('--data <dir>', 'use the stack that "plimsoll up --data DIR" runs there').argParser((dir: string) => dir);
export const modelOption = () =>
  new Option('--model <model>', 'embedding model: a name, or its folder (default: the built-in model)').argParser(
    model,
  );
export const datasetOption = () =>
  new Option('--dataset <name>', "the dataset's name (default: made from the folder's name)");
export const embedOption = () => new Option('--no-embed', 'only index; do not embed');
