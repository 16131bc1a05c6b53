import { EMBEDDING_TASK_QUEUE } from '../contract/names.ts';
import { getLimit, type Limit, listLimits, setLimit } from '../core/limits/limits.ts';
import type { Backends } from './backends.ts';

/** Caps on how fast the embedding workers of a task queue are, all together. Without a name, `plimsoll-gpu` is meant. */
export interface Limits {
  get(taskQueue?: string): Promise<Limit>;
  /** The limits that are set; at most 1,000. */
  list(): Promise<Limit[]>;
  /** Images a second; null lifts the limit. Batches that wait hear of it within a second. @throws UserError InvalidInput */
  set(imagesPerSecond: number | null, taskQueue?: string): Promise<Limit>;
}

export function limitsOf({ store }: Backends): Limits {
  return {
    get: (taskQueue = EMBEDDING_TASK_QUEUE) => getLimit(store, taskQueue),
    list: () => listLimits(store),
    set: (imagesPerSecond, taskQueue = EMBEDDING_TASK_QUEUE) => setLimit(store, taskQueue, imagesPerSecond),
  };
}
