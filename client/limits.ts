import { EMBEDDING_TASK_QUEUE } from '../contract/names.ts';
import { getLimit, type Limit, listLimits, setLimit } from '../core/limits/limits.ts';
import type { Backends } from './backends.ts';

/**
 * Limits of how fast all embedding workers of a task queue embed together. The default task queue is `plimsoll-gpu`.
 */
export interface Limits {
  get(taskQueue?: string): Promise<Limit>;
  /** The limits that are set; at most 1,000. */
  list(): Promise<Limit[]>;
  /**
   * Samples per second; null lifts the limit. Waiting batches notice within a second.
   *
   * @throws UserError InvalidInput
   */
  set(samplesPerSecond: number | null, taskQueue?: string): Promise<Limit>;
}

export function limitsOf({ store }: Backends): Limits {
  return {
    get: (taskQueue = EMBEDDING_TASK_QUEUE) => getLimit(store, taskQueue),
    list: () => listLimits(store),
    set: (samplesPerSecond, taskQueue = EMBEDDING_TASK_QUEUE) => setLimit(store, taskQueue, samplesPerSecond),
  };
}
