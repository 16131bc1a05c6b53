import { setTimeout as delay } from 'node:timers/promises';
import { unlessAborted } from '../concurrency/abort.ts';
import { askLimit } from '../store/limits.ts';
import type { Store } from '../store/store.ts';

export interface TakeOptions {
  /** Ends the wait with its reason. */
  signal: AbortSignal;
  /** Called every second or so of the wait. */
  onWait: () => void;
}

/** Keeps the embedding workers of a task queue, all together, to the limit that is set for it. */
export interface Limiter {
  /** Resolves when so many samples may go to the device: at once where there is no limit. */
  take(samples: number, options: TakeOptions): Promise<void>;
}

/** Workers hear of a changed limit within this time. Without a limit, they ask no more often. */
const LOOK_EVERY_MS = 1000;

/**
 * A token bucket in one document (the generic cell rate algorithm): it says when the next batch may start, and each batch
 * moves that on by the time that its samples take at the limit. One batch may always go at once, however slow the limit.
 * The batches of one process queue up, so that it asks once for all of them. A clock that is set back delays nothing: no
 * batch waits for longer than the one before it takes.
 */
export function createLimiter(store: Store, taskQueue: string): Limiter {
  let unlimitedUntilMs = Number.NEGATIVE_INFINITY;
  let line: Promise<unknown> = Promise.resolve();

  /** Milliseconds to wait before asking again; 0 when the batch may go. */
  async function ask(samples: number): Promise<number> {
    if (performance.now() < unlimitedUntilMs) return 0;
    const waitMs = await askLimit(store, taskQueue, samples);
    if (waitMs === undefined) {
      unlimitedUntilMs = performance.now() + LOOK_EVERY_MS;
      return 0;
    }
    return Math.min(LOOK_EVERY_MS, waitMs);
  }

  return {
    async take(samples, { signal, onWait }) {
      signal.throwIfAborted();
      if (samples === 0 || performance.now() < unlimitedUntilMs) return;
      const ahead = line;
      const turn = Promise.withResolvers<void>();
      line = turn.promise;
      const beat = setInterval(onWait, LOOK_EVERY_MS);
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
