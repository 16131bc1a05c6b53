import { UserError } from '../errors.ts';
import type { LimitDocument } from '../store/documents.ts';
import { findLimit, listLimits as readLimits, removeLimit, writeLimit } from '../store/limits.ts';
import type { Store } from '../store/store.ts';

/** The rate limit of all embedding workers of a task queue together. */
export interface Limit {
  task_queue: string;
  /** Null if there is no limit. */
  samples_per_second: number | null;
  /** RFC 3339, UTC. */
  set_at: string | null;
}

/** The highest allowed limit, in samples per second. */
export const HIGHEST_LIMIT = 1_000_000;
/** The lowest allowed limit: one sample in a thousand seconds. Smaller values exceed the clock's precision. */
export const LOWEST_LIMIT = 0.001;

const MAX_NAME_CHARACTERS = 1000;
const MAX_LISTED = 1000;

const limitOf = (taskQueue: string, limit: LimitDocument | undefined): Limit => ({
  task_queue: taskQueue,
  samples_per_second: limit?.samples_per_second ?? null,
  set_at: limit?.set_at.toISOString() ?? null,
});

/** The limit of a task queue. Both values are null if none is set. */
export async function getLimit(store: Store, taskQueue: string): Promise<Limit> {
  return limitOf(taskQueue, await findLimit(store, taskQueue));
}

/** All limits, sorted by task queue name; at most 1,000. */
export async function listLimits(store: Store): Promise<Limit[]> {
  return (await readLimits(store, MAX_LISTED)).map((limit) => limitOf(limit._id, limit));
}

/**
 * Sets how many samples per second the workers of a task queue may embed; null removes the limit. Workers notice within
 * a second.
 *
 * @throws UserError InvalidInput
 */
export async function setLimit(store: Store, taskQueue: string, samplesPerSecond: number | null): Promise<Limit> {
  if (
    taskQueue === '' ||
    taskQueue.length > MAX_NAME_CHARACTERS ||
    taskQueue.includes('\0') ||
    !taskQueue.isWellFormed()
  ) {
    throw new UserError(
      'InvalidInput',
      `task_queue: a name of 1 to ${MAX_NAME_CHARACTERS} characters is expected, ` +
        'in valid Unicode and without a zero byte.',
    );
  }
  if (samplesPerSecond === null) {
    await removeLimit(store, taskQueue);
    return limitOf(taskQueue, undefined);
  }
  if (!(samplesPerSecond >= LOWEST_LIMIT && samplesPerSecond <= HIGHEST_LIMIT)) {
    throw new UserError(
      'InvalidInput',
      `samples_per_second: a number from ${LOWEST_LIMIT} to ${HIGHEST_LIMIT.toLocaleString('en-US')} is expected, ` +
        `not ${samplesPerSecond}. To embed nothing, pause the job or stop the workers; to lift the limit, set none.`,
    );
  }
  await writeLimit(store, taskQueue, samplesPerSecond);
  return getLimit(store, taskQueue);
}
