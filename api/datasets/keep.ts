interface Entry<T> {
  answer: Promise<T>;
  /** Infinity until the answer has settled. */
  untilMs: number;
}

/** Keeping an answer five times as long as it took bounds the work for one key to a sixth of the time. */
const TIMES_AS_LONG = 5;
const LONGEST_MS = 30_000;
const MOST_KEPT = 200;

/** A function whose answers are cached for a while. */
export interface Kept<T> {
  (key: string): Promise<T>;
  /** Drops the cached or pending answer; later calls make a new one. */
  forget(key: string): void;
}

/**
 * Caches a function. Concurrent callers of one key share an answer, and the answer is kept several times as long as it
 * took. Fast answers are hardly cached; slow ones, including slow failures, are not repeated all the time.
 */
export function keepForAWhile<T>(
  make: (key: string) => Promise<T>,
  now: () => number = () => performance.now(),
): Kept<T> {
  const kept = new Map<string, Entry<T>>();
  function answerFor(key: string): Promise<T> {
    const before = kept.get(key);
    if (before !== undefined && now() < before.untilMs) return before.answer;
    const beganMs = now();
    const entry: Entry<T> = { answer: make(key), untilMs: Number.POSITIVE_INFINITY };
    kept.delete(key);
    kept.set(key, entry);
    const oldest = kept.keys().next().value;
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
    const settle = () => {
      const endedMs = now();
      entry.untilMs = endedMs + Math.min(LONGEST_MS, (endedMs - beganMs) * TIMES_AS_LONG);
    };
    entry.answer.then(settle, settle);
    return entry.answer;
  }
  return Object.assign(answerFor, { forget: (key: string) => void kept.delete(key) });
}
