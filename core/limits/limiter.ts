import { setTimeout as delay } from 'node:timers/promises';
import type { LimitDocument } from '../store/documents.ts';
import type { Store } from '../store/store.ts';
import { ROUNDING_MS, SERVER_NOW_MS } from './limits.ts';

export interface TakeOptions {
  /** Ends the wait with its reason. */
  signal: AbortSignal;
  /** Called every second or so of the wait. */
  onWait: () => void;
}

/** Keeps the embedding workers of a task queue, all together, to the limit that is set for it. */
export interface Limiter {
  /** Resolves when so many images may go to the device: at once where there is no limit. */
  take(images: number, options: TakeOptions): Promise<void>;
}

/** A change of the limit is heard of within this time, and no limit is asked for no more often. */
const LOOK_EVERY_MS = 1000;
/** Time that went unused may be made up for, within this: a worker that wakes up late must not lower the rate. */
const CREDIT_MS = 1000;
/** Batches that had to wait belong to one stretch of waiting where no more than this lies between them. */
export const STRETCH_MS = 3000;

/**
 * A token bucket in one document (the generic cell rate algorithm): it says when the next batch may start, and each batch
 * moves that on by the time that its images take at the limit. One batch may always go at once, however slow the limit.
 * Those of one process stand in line, so that it asks once for all of them. A clock that is put back delays nothing: no batch
 * waits for longer than the one before it takes.
 */
export function createLimiter(store: Store, taskQueue: string): Limiter {
  let unlimitedUntilMs = Number.NEGATIVE_INFINITY;
  let line: Promise<unknown> = Promise.resolve();

  /** Milliseconds to wait before asking again; 0 when the batch may go. */
  async function ask(images: number): Promise<number> {
    if (performance.now() < unlimitedUntilMs) return 0;
    const limit = await store.limits.findOneAndUpdate({ _id: taskQueue }, taking(images), { returnDocument: 'after' });
    if (limit === null) {
      unlimitedUntilMs = performance.now() + LOOK_EVERY_MS;
      return 0;
    }
    const { granted, next_ms, asked_ms } = limit as Required<LimitDocument>;
    return granted ? 0 : Math.min(LOOK_EVERY_MS, Math.max(1, next_ms - asked_ms));
  }

  return {
    async take(images, { signal, onWait }) {
      signal.throwIfAborted();
      if (performance.now() < unlimitedUntilMs) return;
      const ahead = line;
      const turn = Promise.withResolvers<void>();
      line = turn.promise;
      const beat = setInterval(onWait, LOOK_EVERY_MS);
      try {
        await unlessAborted(ahead, signal);
        for (let waitMs = await ask(images); waitMs > 0; waitMs = await ask(images)) {
          await unlessAborted(delay(waitMs, undefined, { signal }), signal);
        }
      } finally {
        clearInterval(beat);
        void ahead.then(() => turn.resolve());
      }
    },
  };
}

/** Takes a batch's time if it may start now, and notes since when batches have had to wait. */
function taking(images: number) {
  const aheadMs = { $subtract: ['$next_ms', SERVER_NOW_MS] };
  const mayStart = { $or: [{ $lte: [aheadMs, 0] }, { $gt: [aheadMs, { $add: ['$owed_ms', ROUNDING_MS] }] }] };
  const takesMs = { $divide: [images * 1000, '$images_per_second'] };
  const earliest = { $max: ['$next_ms', { $subtract: [SERVER_NOW_MS, CREDIT_MS] }] };
  const next = { $add: [{ $min: [earliest, SERVER_NOW_MS] }, takesMs] };
  const sinceThen = { $subtract: ['$$NOW', { $ifNull: ['$throttled_at', '$set_at'] }] };
  const goesOn = {
    $and: [{ $ne: [{ $type: '$throttled_since' }, 'missing'] }, { $lte: [sinceThen, STRETCH_MS] }],
  };
  return [
    { $set: { granted: mayStart, asked_ms: SERVER_NOW_MS } },
    {
      $set: {
        next_ms: { $cond: ['$granted', next, '$next_ms'] },
        owed_ms: { $cond: ['$granted', takesMs, '$owed_ms'] },
        throttled_since: { $cond: ['$granted', '$throttled_since', { $cond: [goesOn, '$throttled_since', '$$NOW'] }] },
        throttled_at: { $cond: ['$granted', '$throttled_at', '$$NOW'] },
      },
    },
  ];
}

/** The SDK's errors of a cancellation are its signal's reason; a timer's would hide it. */
async function unlessAborted(waiting: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([waiting, aborted.promise]).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
