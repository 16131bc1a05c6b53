const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
const SHORTEST_MS = 5 * SECOND_MS;
const LONGEST_MS = 6 * HOUR_MS;

/** Share of a delay by which it is made longer at random, so that what failed together is not tried together. */
const JITTER = 0.1;

/**
 * How long to wait after a try that failed: twice the age of the delivery, so the tries of one that keeps failing are at about
 * 0 s, 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h, 3 h and then every 6 h. A receiver that says when to come back is
 * obeyed, but never asked again before a hundredth of the delivery's age has passed.
 *
 * @param ageMs since the first try was due
 */
export function retryDelayMs(ageMs: number, retryAfterMs?: number, random = Math.random): number {
  if (retryAfterMs !== undefined) return clamp(Math.max(retryAfterMs, ageMs / 100), SECOND_MS, LONGEST_MS);
  return clamp(2 * ageMs, SHORTEST_MS, LONGEST_MS) * (1 + JITTER * random());
}

/**
 * How long a delivery waits that found no place free in its worker: about as long as it has waited, and never much longer than
 * the longest try of those before it.
 */
export function busyDelayMs(ageMs: number, random = Math.random): number {
  return clamp(ageMs, SECOND_MS, 15 * SECOND_MS) * (1 + random());
}

/** The value of a Retry-After header, in seconds or as a date; undefined where it is neither. */
export function parseRetryAfterMs(value: string | null, now = Date.now()): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * SECOND_MS;
  // Date.parse alone takes almost anything: "-1" is a day of 2001 to it.
  const date = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}

const clamp = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most);
