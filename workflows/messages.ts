import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CancelRequest } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
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

/** Sent by embedDataset to the job that it is a phase of: an EmbeddingReport. */
export const embeddingProgress = defineSignal<[unknown]>('embeddingProgress');

/** Sent by a load or a retry to its embedDataset: true when the job is paused, false when it is resumed. */
export const setPaused = defineSignal<[unknown]>('setPaused');
