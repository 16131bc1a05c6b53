import type { Client } from '@temporalio/client';
import type { Store } from '../core/store/store.ts';

/** The two servers that a client uses, and how it treats them. */
export interface Backends {
  temporal: Client;
  store: Store;
  /** Task queue to start workflows on; `plimsoll` if left out. */
  taskQueue?: string;
  /** After this time without a sign of life, the workers of a task queue count as gone; 90 s if left out. */
  workerSilenceMs?: number;
  /** How long a pause, a resume or a cancel waits for a worker's answer; 30 s if left out. */
  answerWithinMs?: number;
}
