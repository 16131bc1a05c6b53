import { UserError } from '../errors.ts';
import type { LimitDocument } from '../store/documents.ts';
import type { Store } from '../store/store.ts';
import { FASTEST, SLOWEST } from './fastest.ts';

/** How fast the embedding workers of a task queue may be, all together. */
export interface Limit {
  task_queue: string;
  /** Null where there is no limit. */
  images_per_second: number | null;
  /** RFC 3339, UTC. */
  set_at: string | null;
}

const LONGEST_NAME = 1000;

const limitOf = (taskQueue: string, limit: LimitDocument | null): Limit => ({
  task_queue: taskQueue,
  images_per_second: limit?.images_per_second ?? null,
  set_at: limit?.set_at.toISOString() ?? null,
});

export async function getLimit(store: Store, taskQueue: string): Promise<Limit> {
  return limitOf(taskQueue, await store.limits.findOne({ _id: taskQueue }));
}

const MOST_LISTED = 1000;

/** The limits that are set, by the name of their task queue; at most 1,000. */
export async function listLimits(store: Store): Promise<Limit[]> {
  const limits = await store.limits.find().sort({ _id: 1 }).limit(MOST_LISTED).toArray();
  return limits.map((limit) => limitOf(limit._id, limit));
}

/** The server's clock, in milliseconds with their fraction: workers' clocks differ, and at a high rate an image takes less than one. */
export const SERVER_NOW_MS = { $toDouble: { $toLong: '$$NOW' } };

/** Sums of the clock's milliseconds and fractions of one are exact to less than this. */
export const ROUNDING_MS = 1;

/**
 * Sets how many images a second the workers of a task queue may embed, or lifts the limit with null. Workers hear of it
 * within a second.
 *
 * @throws UserError InvalidInput
 */
export async function setLimit(store: Store, taskQueue: string, imagesPerSecond: number | null): Promise<Limit> {
  if (taskQueue === '' || taskQueue.length > LONGEST_NAME || taskQueue.includes('\0') || !taskQueue.isWellFormed()) {
    throw new UserError(
      'InvalidInput',
      `task_queue: a name of 1 to ${LONGEST_NAME} characters is expected, in valid Unicode and without a zero byte.`,
    );
  }
  if (imagesPerSecond === null) {
    await store.limits.deleteOne({ _id: taskQueue });
    return limitOf(taskQueue, null);
  }
  if (!(imagesPerSecond >= SLOWEST && imagesPerSecond <= FASTEST)) {
    throw new UserError(
      'InvalidInput',
      `images_per_second: a number from ${SLOWEST} to ${FASTEST.toLocaleString('en-US')} is expected, not ${imagesPerSecond}. To embed nothing, pause the job or stop the workers; to lift the limit, set none.`,
    );
  }
  // What is owed for the last batch was owed at the old rate. More than that is owed by a clock that was put back.
  const aheadMs = { $max: [0, { $subtract: [{ $ifNull: ['$next_ms', SERVER_NOW_MS] }, SERVER_NOW_MS] }] };
  const owedMs = { $cond: [{ $gt: [aheadMs, { $add: [{ $ifNull: ['$owed_ms', 0] }, ROUNDING_MS] }] }, 0, aheadMs] };
  const ratio = { $divide: [{ $ifNull: ['$images_per_second', imagesPerSecond] }, imagesPerSecond] };
  await store.limits.updateOne(
    { _id: taskQueue },
    [
      {
        $set: {
          images_per_second: imagesPerSecond,
          set_at: '$$NOW',
          next_ms: { $add: [SERVER_NOW_MS, { $multiply: [owedMs, ratio] }] },
          owed_ms: { $multiply: [owedMs, ratio] },
        },
      },
    ],
    { upsert: true },
  );
  return getLimit(store, taskQueue);
}
