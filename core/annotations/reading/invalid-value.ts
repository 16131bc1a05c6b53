import type { InvalidReason } from '../formats/format.ts';

/** A value that no annotation can be made of. The rest of the file is read. The message is a sentence for people. */
export class InvalidValueError extends Error {
  override readonly name = 'InvalidValueError';
  readonly reason: InvalidReason;

  constructor(reason: InvalidReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** A value as messages show it: short, on one line. */
export function shown(value: unknown): string {
  const text = written(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** Lists in lists in lists may be too deep to be written. */
function written(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Array.isArray(value) ? 'a list' : 'an object';
  }
}
