import type { Client } from '@temporalio/client';
import type { Store } from '../core/store/store.ts';

/** The two servers that a client speaks to. */
export interface Backends {
  temporal: Client;
  store: Store;
  /** Task queue to start workflows on; `plimsoll` if left out. */
  taskQueue?: string;
  /** For how long nothing is heard of the workers of a task queue before they are taken for gone; 90 s if left out. */
  workerSilenceMs?: number;
  /** For how long a worker's answer to a pause, a resume or a cancel is awaited; 30 s if left out. */
  answerWithinMs?: number;
}
