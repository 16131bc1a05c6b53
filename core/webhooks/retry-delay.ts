const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
const MIN_DELAY_MS = 5 * SECOND_MS;
const MAX_DELAY_MS = 6 * HOUR_MS;

/** The largest random extension of a delay, as a share of it. It spreads deliveries that failed together. */
const JITTER = 0.1;

/**
 * The delay after a failed delivery attempt, in milliseconds: twice the age of the delivery. Attempts of a failing
 * delivery are at about 0 s, 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h, 3 h and then every 6 h. A receiver's
 * Retry-After is respected, but at least a hundredth of the delivery's age passes first.
 *
 * @param ageMs since the first attempt was due
 */
export function retryDelayMs(ageMs: number, retryAfterMs?: number, random = Math.random): number {
  if (retryAfterMs !== undefined) return clamp(Math.max(retryAfterMs, ageMs / 100), SECOND_MS, MAX_DELAY_MS);
  return clamp(2 * ageMs, MIN_DELAY_MS, MAX_DELAY_MS) * (1 + JITTER * random());
}

/**
 * The delay of a delivery that found no free slot in its worker, in milliseconds: about as long as it has waited, and
 * never much longer than the longest attempt before it.
 */
export function busyDelayMs(ageMs: number, random = Math.random): number {
  return clamp(ageMs, SECOND_MS, 15 * SECOND_MS) * (1 + random());
}

/** Parses a Retry-After header, in seconds or as a date. Returns milliseconds; undefined if it is neither. */
export function parseRetryAfterMs(value: string | null, now = Date.now()): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * SECOND_MS;
  // Date.parse alone accepts almost anything: it reads "-1" as a day in 2001.
  const date = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}

const clamp = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most);
