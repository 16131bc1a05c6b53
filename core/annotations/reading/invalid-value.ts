import type { InvalidReason } from '../formats/format.ts';

/**
 * Thrown for a value that no annotation can be made of. The rest of the file is read. The message is a sentence for
 * people. It is no Error: a file may have a million of them, and recording the stack takes longer than reading a line.
 */
export class InvalidValue {
  readonly reason: InvalidReason;
  readonly message: string;

  constructor(reason: InvalidReason, message: string) {
    this.reason = reason;
    this.message = message;
  }
}

const MAX_TEXT = 100;
const MAX_LISTED = 8;

/** A value as messages show it: short, on one line. What is nested is not shown: it may be deep. */
export function shown(value: unknown): string {
  if (!Array.isArray(value)) return shownInList(value);
  return `[${value.slice(0, MAX_LISTED).map(shownInList).join(', ')}${value.length > MAX_LISTED ? ', …' : ''}]`;
}

function shownInList(value: unknown): string {
  if (Array.isArray(value)) return '[…]';
  if (typeof value === 'object' && value !== null) return '{…}';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string')
    return JSON.stringify(value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value);
  return String(value);
}
