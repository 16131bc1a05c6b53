import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CancelRequest } from '../contract/inputs.ts';
import type { JobStatus, WaitingStatus } from '../contract/job.ts';
import { CANCEL_UPDATE, PAUSE_UPDATE, RESUME_UPDATE, STATUS_QUERY } from '../contract/names.ts';

/** How the load stands, from the workflow's own state: to a page or a chunk, where the store knows to a batch. */
export const statusQuery = defineQuery<JobStatus>(STATUS_QUERY);

/** Stops a job until it is resumed: it keeps what it has and holds no worker. Pausing a paused job changes nothing. */
export const pauseUpdate = defineUpdate<JobStatus>(PAUSE_UPDATE);

/** Lets a paused job go on. */
export const resumeUpdate = defineUpdate<JobStatus>(RESUME_UPDATE);

/** Asks a job to end; it keeps what it has. Temporal's own cancellation does the same, without a reason. */
export const cancelUpdate = defineUpdate<JobStatus, [CancelRequest?]>(CANCEL_UPDATE);

/** How far the embedding has come; cumulative, so that a lost or repeated one does no harm. */
export interface EmbeddingReport {
  model_key?: string;
  state: 'running' | 'waiting';
  waiting_for: WaitingStatus | null;
  done: number;
  failed: number;
  reused: number;
  total: number;
}

/** From embedDataset to the load that it is a phase of. */
export const embeddingProgress = defineSignal<[EmbeddingReport]>('embeddingProgress');

/** From a load to the embedDataset that is its phase: that the load was paused, or goes on. */
export const setPaused = defineSignal<[boolean]>('setPaused');

/** From a shard to embedDataset. */
export const shardProgress = defineSignal<[ShardCount & { shard: number }]>('shardProgress');

/** Samples that a shard's chunks have come to. `reused` are among `done`. */
export interface ShardCount {
  done: number;
  failed: number;
  reused: number;
}

export const NOTHING_DONE: Readonly<ShardCount> = { done: 0, failed: 0, reused: 0 };

/** From embedDataset to a shard: to come to an end, and say what is left. */
export const holdShard = defineSignal('hold');
