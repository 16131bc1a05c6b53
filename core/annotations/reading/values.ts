import type { Box } from '../annotation.ts';
import { InvalidValueError, shown } from './invalid-value.ts';

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const NOT_FINITE = /^[+-]?(nan|inf(inity)?)$/i;

/** Whether a cell or a field says nothing. */
export const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

/**
 * A number, or the decimal digits of one. Other notations, such as `0x10`, are none.
 *
 * @throws InvalidValueError malformed, bad_geometry if it is NaN or infinite
 */
export function numberOf(value: unknown, what: string): number {
  const text = typeof value === 'string' ? value.trim() : undefined;
  const number = typeof value === 'number' ? value : DECIMAL.test(text ?? '') ? Number(text) : undefined;
  if (number !== undefined && Number.isFinite(number)) return number;
  if (number !== undefined || NOT_FINITE.test(text ?? ''))
    throw new InvalidValueError('bad_geometry', `${what} is ${text ?? number}, which is no finite number.`);
  throw new InvalidValueError('malformed', `${what} is ${shown(value)}, and a number is needed.`);
}

/**
 * Text as it is. Numbers and booleans are taken for their text, since classes and names may be numbers. Undefined if it
 * is blank.
 *
 * @throws InvalidValueError malformed
 */
export function textOf(value: unknown, what: string): string | undefined {
  if (isBlank(value)) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new InvalidValueError('malformed', `${what} is ${shown(value)}, and text or a number is needed.`);
}

/** As `textOf`, of a list or of a single value. Blank ones are left out. @throws InvalidValueError malformed */
export const textsOf = (value: unknown, what: string): string[] =>
  (Array.isArray(value) ? value : [value]).map((one) => textOf(one, what)).filter((text) => text !== undefined);

/** A share from 0 to 1. Undefined if it is blank. @throws InvalidValueError malformed, bad_geometry */
export function confidenceOf(value: unknown): number | undefined {
  if (isBlank(value)) return undefined;
  const confidence = numberOf(value, 'The confidence');
  if (confidence >= 0 && confidence <= 1) return confidence;
  throw new InvalidValueError('malformed', `The confidence is ${confidence}, and it may be from 0 to 1.`);
}

/** Left, top, width and height. @throws InvalidValueError bad_geometry if the box has no area */
export function checkBox(box: Box): Box {
  if (box[2] > 0 && box[3] > 0) return box;
  throw new InvalidValueError('bad_geometry', `The box ${shown(box)} has no area.`);
}

/** A size in pixels. Undefined if it is no positive whole number: positions then count by the real size. */
export function sizeOf(value: unknown): number | undefined {
  const size = typeof value === 'string' && DECIMAL.test(value.trim()) ? Number(value) : value;
  return typeof size === 'number' && Number.isSafeInteger(size) && size > 0 ? size : undefined;
}

/** A JSON object, not a list. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A field of a JSON object, and never one that its prototype has. */
export const fieldOf = (object: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined;
