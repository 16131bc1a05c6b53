import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CancelRequest } from '../contract/inputs.ts';
import type { JobStatus, WaitingStatus } from '../contract/job.ts';
import { CANCEL_UPDATE, PAUSE_UPDATE, RESUME_UPDATE, RETRYING_SIGNAL, STATUS_QUERY } from '../contract/names.ts';

/** The job's status from the workflow's own state. It counts whole pages and chunks; the store counts batches. */
export const statusQuery = defineQuery<JobStatus>(STATUS_QUERY);

/**
 * Stops a job until it is resumed. A paused job keeps its results and holds no worker. Pausing it again does nothing.
 */
export const pauseUpdate = defineUpdate<JobStatus>(PAUSE_UPDATE);

/** Resumes a paused job. */
export const resumeUpdate = defineUpdate<JobStatus>(RESUME_UPDATE);

/** Cancels a job, which keeps its results. Temporal's own cancellation does the same, without a reason. */
export const cancelUpdate = defineUpdate<JobStatus, [CancelRequest?]>(CANCEL_UPDATE);

/** Sent by a worker when an activity of the job is retried, and when that is over: a RetryReport. */
export const retryingSignal = defineSignal<[unknown]>(RETRYING_SIGNAL);

/** Progress of the embedding. Counts are cumulative, so a lost or repeated report does no harm. */
export interface EmbeddingReport {
  model_key?: string;
  state: 'running' | 'waiting';
  waiting_for: WaitingStatus | null;
  done: number;
  failed: number;
  reused: number;
  total: number;
}

/** Sent by embedDataset to the job that it is a phase of. */
export const embeddingProgress = defineSignal<[EmbeddingReport]>('embeddingProgress');

/** Sent by a load or a retry to its embedDataset: true when the job is paused, false when it is resumed. */
export const setPaused = defineSignal<[boolean]>('setPaused');

/** Sent by a shard to embedDataset. */
export const shardProgress = defineSignal<[ShardCount & { shard: number }]>('shardProgress');

/** Samples that a shard's chunks have processed. `reused` is included in `done`. */
export interface ShardCount {
  done: number;
  failed: number;
  reused: number;
}

export const NOTHING_DONE: Readonly<ShardCount> = { done: 0, failed: 0, reused: 0 };

/** Sent by embedDataset to a shard, which then ends and returns the chunks that are left. */
export const holdShard = defineSignal('hold');
