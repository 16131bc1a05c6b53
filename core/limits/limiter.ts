import { setTimeout as delay } from 'node:timers/promises';
import { unlessAborted } from '../concurrency/abort.ts';
import { askLimit } from '../store/limits.ts';
import type { Store } from '../store/store.ts';

/** Options of `Limiter.take`. */
export interface TakeOptions {
  /** Aborts the wait; `take` rejects with its reason. */
  signal: AbortSignal;
  /** Called about every second while waiting. */
  onWait: () => void;
}

/** Keeps all embedding workers of a task queue together within its limit. */
export interface Limiter {
  /** Resolves when this many samples may run on the device: at once if there is no limit. */
  take(samples: number, options: TakeOptions): Promise<void>;
}

/** Workers notice a changed limit within this time. Without a limit, they check no more often. */
const CHECK_INTERVAL_MS = 1000;

/**
 * A token bucket in one document (the generic cell rate algorithm). The document holds the time when the next batch may
 * start, and each batch advances it by the time that its samples take at the limit. One batch may always start at once,
 * however low the limit. The batches of a process queue up, so that one request covers all of them. A clock that is set
 * back delays nothing: a batch never waits longer than the previous one takes.
 */
export function createLimiter(store: Store, taskQueue: string): Limiter {
  let unlimitedUntilMs = Number.NEGATIVE_INFINITY;
  let line: Promise<unknown> = Promise.resolve();

  /** Milliseconds to wait before asking again; 0 if the batch may start. */
  async function ask(samples: number): Promise<number> {
    if (performance.now() < unlimitedUntilMs) return 0;
    const waitMs = await askLimit(store, taskQueue, samples);
    if (waitMs === undefined) {
      unlimitedUntilMs = performance.now() + CHECK_INTERVAL_MS;
      return 0;
    }
    return Math.min(CHECK_INTERVAL_MS, waitMs);
  }

  return {
    async take(samples, { signal, onWait }) {
      signal.throwIfAborted();
      if (samples === 0 || performance.now() < unlimitedUntilMs) return;
      const ahead = line;
      const turn = Promise.withResolvers<void>();
      line = turn.promise;
      const beat = setInterval(onWait, CHECK_INTERVAL_MS);
      try {
        await unlessAborted(ahead, signal);
        for (let waitMs = await ask(samples); waitMs > 0; waitMs = await ask(samples)) {
          await unlessAborted(delay(waitMs, undefined, { signal }), signal);
        }
      } finally {
        clearInterval(beat);
        void ahead.then(() => turn.resolve());
      }
    },
  };
}
