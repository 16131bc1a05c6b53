interface Entry<T> {
  answer: Promise<T>;
  /** Infinite while it is awaited. */
  untilMs: number;
}

/** So a sixth of the time at most goes into one key, however many ask. */
const TIMES_AS_LONG = 5;
const LONGEST_MS = 30_000;
const MOST_KEPT = 200;

export interface Kept<T> {
  (key: string): Promise<T>;
  /** What is kept, or being made, is out of date: who asks from now on is not answered with it. */
  forget(key: string): void;
}

/**
 * The same, with each answer shared by who asks while it is made, and kept several times as long as that took: what is quick is as
 * good as not kept, what is slow, or fails after a long time, is not made again and again.
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
