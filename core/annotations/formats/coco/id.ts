import { InvalidValue, shown } from '../../reading/invalid-value.ts';
import type { JsonObject } from '../../reading/json-object.ts';

/**
 * The ID in a field, as text: a number or text. Digits that a number can't hold are taken from the JSON itself, so that
 * two large IDs stay two.
 *
 * @throws InvalidValue malformed
 */
export function idOf(element: JsonObject, field: string, bytes: Buffer): string {
  const id = element[field];
  if (typeof id === 'string' && id !== '') return id;
  if (typeof id === 'number') return Number.isSafeInteger(id) ? String(id) : exactId(field, bytes);
  throw new InvalidValue('malformed', id === undefined ? `It has no ${field}.` : `Its ${field} is ${shown(id)}.`);
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
    throw new InvalidValue('malformed', 'It is nested too deeply.');
  }
}
