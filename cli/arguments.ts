import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { unknownZone } from '../client/time-zone.ts';
import { parseDuration } from '../core/duration.ts';
import { hasScheme } from '../core/folders.ts';

/** Parsers of values on the command line. The error of each says what it expects. */

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

/** A time, or an age. */
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

/** Collects the values of a repeatable option. */
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

/** A tag of a sample. */
export function tagName(text: string): string {
  if (text !== '' && text.length <= 100 && text.trim() === text && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) return text;
  throw new InvalidArgumentError(
    'Expected a tag of 1 to 100 characters, without control characters and without a space at an end.',
  );
}

export function fairnessKey(text: string): string {
  if (text !== '' && text.length <= 64) return text;
  throw new InvalidArgumentError('Expected a key of 1 to 64 characters, such as the name of a tenant or a team.');
}

/** Collects the addresses of a repeatable option. */
export function webhookUrl(text: string, before: string[] = []): string[] {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new InvalidArgumentError('Expected an http or https address, such as https://example.com/hooks/plimsoll.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError(
      'It must not contain a user name or password: addresses are kept in workflow histories.',
    );
  }
  return [...before, text];
}

/** A folder, or the root of another kind of source (memory:/made). A relative path counts from the current folder. */
export function folder(text: string): string {
  return hasScheme(text) ? text : resolve(text);
}

/** A model's name or folder. A relative path counts from the current folder. */
export function model(text: string): string {
  return /^\.{1,2}(\/|$)/.test(text) ? resolve(text) : text;
}

/** Collects the values of an option that can be repeated. */
export const repeated = (text: string, before: string[] = []): string[] => [...before, text];
