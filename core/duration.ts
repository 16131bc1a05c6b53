import parse from 'parse-duration';

/** The form of a duration, for schemas, too. */
export const DURATION_PATTERN = '^\\s*(\\d+(\\.\\d+)?\\s*[A-Za-z]+\\s*)+$';
const DURATION = new RegExp(DURATION_PATTERN);
/** The largest duration that both MongoDB and timers accept: 2,147,483,647 seconds, 68 years. */
const MAX_MS = 2_147_483_647 * 1000;

/**
 * Parses a duration such as `30d`, `12h` or `1h30m` to milliseconds. Undefined if it is invalid, has no unit, is zero
 * or exceeds 68 years.
 */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  const ms = parse(text);
  return ms !== null && ms >= 1 && ms <= MAX_MS ? Math.round(ms) : undefined;
}
