import type { Box } from '../../../contract/annotation.ts';
import { InvalidValue, shown } from './invalid-value.ts';

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
/** How programs write numbers that are none. */
const NOT_FINITE = /^[+-]?(?:nan|inf(?:inity)?)$/i;

/** Whether a cell or a field says nothing. */
export const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

/**
 * A decimal number, or NaN if it is not finite. Undefined if the text is no number: other notations, such as `0x10`, are
 * none.
 */
export function parseNumber(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : Number.NaN;
  }
  return NOT_FINITE.test(text) ? Number.NaN : undefined;
}

/** A number, or the digits of one. @throws InvalidValue malformed, bad_geometry if it is NaN or infinite */
export function numberOf(value: unknown, what: string): number {
  const number = typeof value === 'string' ? parseNumber(value.trim()) : value;
  if (typeof number !== 'number')
    throw new InvalidValue('malformed', `${what} is ${shown(value)}, and a number is needed.`);
  if (Number.isFinite(number)) return number;
  throw new InvalidValue('bad_geometry', `${what} is ${shown(value)}, which is no finite number.`);
}

/**
 * Text as it is. Numbers and booleans are taken for their text, since classes and names may be numbers. Undefined if it
 * is blank.
 *
 * @throws InvalidValue malformed
 */
export function textOf(value: unknown, what: string): string | undefined {
  if (isBlank(value)) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new InvalidValue('malformed', `${what} is ${shown(value)}, and text or a number is needed.`);
}

/** As `textOf`, of a list or of a single value. Blank ones are left out. @throws InvalidValue malformed */
export const textsOf = (value: unknown, what: string): string[] =>
  (Array.isArray(value) ? value : [value]).map((one) => textOf(one, what)).filter((text) => text !== undefined);

/** A share from 0 to 1. Undefined if it is blank. @throws InvalidValue malformed, bad_geometry */
export function confidenceOf(value: unknown): number | undefined {
  if (isBlank(value)) return undefined;
  const confidence = numberOf(value, 'The confidence');
  if (confidence >= 0 && confidence <= 1) return confidence;
  throw new InvalidValue('malformed', `The confidence is ${confidence}, and it may be from 0 to 1.`);
}

/** Left, top, width and height. @throws InvalidValue bad_geometry if the box has no area */
export function checkBox(box: Box): Box {
  if (box[2] > 0 && box[3] > 0) return box;
  throw new InvalidValue('bad_geometry', `The box ${shown(box)} has no area.`);
}

/** A size in pixels. Undefined if it is no positive whole number: positions then count by the real size. */
export function sizeOf(value: unknown): number | undefined {
  const size = typeof value === 'string' ? parseNumber(value.trim()) : value;
  return typeof size === 'number' && Number.isSafeInteger(size) && size > 0 ? size : undefined;
}
