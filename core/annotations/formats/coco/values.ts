import type { InvalidReason } from '../format.ts';

/**
 * Thrown for an element that can't be read. The message is a sentence without its end. It is no Error: a file may have a
 * million of them, and recording the stack takes longer than reading an element.
 */
export class InvalidElement {
  readonly reason: InvalidReason;
  readonly message: string;

  constructor(reason: InvalidReason, message: string) {
    this.reason = reason;
    this.message = message;
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws InvalidElement malformed */
export function parseObject(bytes: Buffer): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    const isNumber = /[[:,\s](NaN|-?Infinity)[\s,\]}]/.exec(bytes.toString());
    throw isNumber === null
      ? new InvalidElement('malformed', `it is no valid JSON: ${cut(bytes.toString())}`)
      : new InvalidElement('bad_geometry', `it has the number ${isNumber[1]}, which JSON does not have`);
  }
  if (isObject(value)) return value;
  throw new InvalidElement('malformed', `it is ${shown(value)}, not an object`);
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The ID in a field, as text: a number or text. Digits that a number can't hold are taken from the JSON itself, so that
 * two large IDs stay two.
 *
 * @throws InvalidElement malformed
 */
export function idOf(element: JsonObject, field: string, bytes: Buffer): string {
  const id = element[field];
  if (typeof id === 'string' && id !== '') return id;
  if (typeof id === 'number') return Number.isSafeInteger(id) ? String(id) : exactId(field, bytes);
  throw new InvalidElement('malformed', id === undefined ? `it has no ${field}` : `its ${field} is ${shown(id)}`);
}

function exactId(field: string, bytes: Buffer): string {
  const withSource = (key: string, value: unknown, { source }: { source?: string }) =>
    key === field && typeof value === 'number' ? source : value;
  try {
    const element = JSON.parse(bytes.toString(), withSource as (key: string, value: unknown) => unknown);
    return String(element[field]);
  } catch (error) {
    // Unlike plain parsing, this one takes a frame of the stack for each list in a list.
    if (!(error instanceof RangeError)) throw error;
    throw new InvalidElement('malformed', 'it is nested too deeply');
  }
}

/** @throws InvalidElement malformed, bad_geometry */
export function numberOf(value: unknown, name: string): number {
  if (typeof value !== 'number') throw new InvalidElement('malformed', `${name} has ${shown(value)} for a number`);
  if (!Number.isFinite(value)) throw new InvalidElement('bad_geometry', `${name} has a number beyond all bounds`);
  return value;
}

const MAX_SHOWN = 60;
const cut = (text: string) => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);

/** A value as a message shows it. What is nested is not: it may be deep. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(shownInList).join(', ')}${value.length > 8 ? ', …' : ''}]`;
  return shownInList(value);
}

const shownInList = (value: unknown): string =>
  Array.isArray(value) ? '[…]' : isObject(value) ? '{…}' : cut(JSON.stringify(value) ?? 'undefined');
