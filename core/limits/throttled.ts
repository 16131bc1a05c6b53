import type { Store } from '../store/store.ts';
import { STRETCH_MS } from './limiter.ts';

/** A batch now and then that has to wait for a moment is not worth a word. */
const WORTH_A_WORD_MS = 2000;

export interface Throttled {
  since: Date;
  images_per_second: number;
}

/** Since when the limit holds the workers of a task queue back; undefined where it does not. */
export async function findThrottled(store: Store, taskQueue: string): Promise<Throttled | undefined> {
  const limit = await store.limits.findOne<{
    images_per_second: number;
    throttled_since?: Date;
    since_ms?: number | null;
    last_ms?: number | null;
  }>(
    { _id: taskQueue },
    {
      projection: {
        images_per_second: 1,
        throttled_since: 1,
        since_ms: { $subtract: ['$$NOW', '$throttled_since'] },
        last_ms: { $subtract: ['$$NOW', '$throttled_at'] },
      },
    },
  );
  if (limit?.throttled_since === undefined || limit.last_ms == null || limit.since_ms == null) return undefined;
  if (limit.last_ms > STRETCH_MS || limit.since_ms < WORTH_A_WORD_MS) return undefined;
  return { since: limit.throttled_since, images_per_second: limit.images_per_second };
}
