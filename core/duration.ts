import parse from 'parse-duration';

const WRITTEN = /^\s*(\d+(\.\d+)?\s*[a-z]+\s*)+$/i;
/** What MongoDB and timers hold, in seconds: 68 years. */
const LONGEST_MS = 2_147_483_647 * 1000;

/** Milliseconds of `30d`, `12h` or `1h30m`; undefined for what is no duration, has no unit, is zero or beyond 68 years. */
export function parseDuration(text: string): number | undefined {
  if (!WRITTEN.test(text)) return undefined;
  const ms = parse(text);
  return ms !== null && ms >= 1 && ms <= LONGEST_MS ? Math.round(ms) : undefined;
}
