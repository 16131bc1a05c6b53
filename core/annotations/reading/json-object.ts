import { InvalidValue, shown } from './invalid-value.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A JSON object, not a list. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A field of a JSON object, and never one that its prototype has. */
export const fieldOf = (object: JsonObject, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined;

/** Parses an object. @throws InvalidValue malformed, bad_geometry if it has a NaN or Infinity */
export function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const isNumber = /[[:,\s](NaN|-?Infinity)[\s,\]}]/.exec(text);
    throw isNumber === null
      ? new InvalidValue('malformed', `It is no valid JSON: ${shown(text)}.`)
      : new InvalidValue('bad_geometry', `It has the number ${isNumber[1]}, which JSON does not have.`);
  }
  if (isObject(value)) return value;
  throw new InvalidValue('malformed', `It is ${shown(value)}, not an object.`);
}
