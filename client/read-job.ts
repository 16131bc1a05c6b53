import {
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { isFailureCode } from '../contract/failures.ts';
import type { JobState, JobStatus, RecordedError } from '../contract/job.ts';
import { KINDS } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import { endJob } from '../core/jobs/phases.ts';
import { readStatus } from '../core/jobs/read-status.ts';
import { phaseStatusOf } from '../core/jobs/status.ts';
import type { Store } from '../core/store/store.ts';
import type { Backends } from './backends.ts';
import type { Job } from './find-job.ts';
import { withWaiting } from './waiting.ts';

/**
 * A job's status: its record, which outlives Temporal's retention, or what Temporal says before it has one.
 *
 * @throws UserError JobNotFound
 */
export async function readJob(backends: Backends, job: Job): Promise<JobStatus> {
  const status = await readStatus(backends.store, job.job_id);
  return status === undefined ? withWaiting(backends, await askTemporal(backends, job)) : settle(backends, status);
}

/**
 * A job without a record: no worker has begun it, its input was refused before there could be one, or it was cleaned up. One
 * that went well has its status for a result.
 */
async function askTemporal({ temporal }: Backends, job: Job): Promise<JobStatus> {
  const handle = temporal.workflow.getHandle(job.workflow_id, job.job_id);
  try {
    const { status, type, startTime, closeTime } = await handle.describe();
    if (status.name === 'COMPLETED') {
      const result = (await handle.result()) as Partial<JobStatus> | null;
      if (result?.job_id === job.job_id && result.phases !== undefined) return result as JobStatus;
    }
    const ended = status.name !== 'RUNNING' && status.name !== 'PAUSED';
    const idle = phaseStatusOf(
      { state: ended ? 'skipped' : 'pending', done: 0, failed: 0, total: 0, total_known: ended },
      startTime,
    );
    return {
      job_id: job.job_id,
      workflow_id: job.workflow_id,
      kind: KINDS[type] ?? 'load',
      dataset: job.dataset,
      state: ended ? (status.name === 'CANCELLED' ? 'canceled' : 'failed') : 'queued',
      phases: { indexing: idle, embedding: idle },
      error: ended ? await failureOf(handle) : null,
      request: {},
      started_at: startTime.toISOString(),
      paused_at: null,
      finished_at: closeTime?.toISOString() ?? null,
    };
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new UserError('JobNotFound', `Job ${job.job_id} has no record, and Temporal does not know it.`, {
      cause: error,
    });
  }
}

async function failureOf(handle: WorkflowHandle): Promise<RecordedError> {
  try {
    await handle.result();
    return { code: 'Unrecorded', message: 'The job ended and left no record in this database.' };
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : error;
    const code = cause instanceof ApplicationFailure && isFailureCode(cause.type) ? cause.type : 'Unexpected';
    return { code, message: cause instanceof Error ? cause.message : String(cause) };
  }
}

/**
 * Ends the record of a job whose workflow has ended and could not do it itself: it was terminated, timed out, or canceled
 * before it had begun. A workflow that Temporal does not know is shown as lost, and its record is left as it is: it may be
 * another server that knows it.
 */
export async function settle(backends: Backends, status: JobStatus): Promise<JobStatus> {
  if (status.finished_at !== null) return status;
  const { temporal, store } = backends;
  const { workflow_id, job_id } = status;
  const run = await lastRun(temporal, workflow_id, job_id);
  if (run === undefined) return lost(status);
  const { handle, description } = run;
  const { name } = description.status;
  if (name === 'RUNNING' || name === 'PAUSED') return withWaiting(backends, status);
  // It may have ended its record since that was read: ending it again changes nothing.
  const state = STATES[name] ?? 'failed';
  const error = state === 'completed' ? undefined : (ERRORS[name] ?? (await failureOf(handle)));
  await endJob(store, job_id, state, error);
  await endedAt(store, job_id, description.closeTime);
  return (await readStatus(store, job_id)) ?? status;
}

const STATES: Partial<Record<string, JobState>> = { COMPLETED: 'completed', CANCELLED: 'canceled' };

const KEPT = 'What was done is kept; load again to go on.';
const TERMINATED: RecordedError = {
  code: 'Terminated',
  message: `The workflow was terminated on Temporal. ${KEPT}`,
};
const ERRORS: Partial<Record<string, RecordedError>> = {
  CANCELLED: { code: 'Canceled', message: 'The job was canceled.' },
  TERMINATED,
  // The last of its runs is no longer known, and did not end its record: nothing but a termination leaves it so.
  CONTINUED_AS_NEW: TERMINATED,
  TIMED_OUT: { code: 'TimedOut', message: `The workflow ran into its time limit on Temporal. ${KEPT}` },
};

/** The record says when the job ended, and not when somebody noticed. */
async function endedAt(store: Store, jobId: string, closeTime: Date | undefined): Promise<void> {
  if (closeTime === undefined) return;
  await store.jobs.updateOne(
    { _id: jobId, finished_at: { $gt: closeTime }, started_at: { $lte: closeTime } },
    { $set: { finished_at: closeTime } },
  );
}

/** The job's last run; the first one where another job has taken the Workflow ID since; undefined where Temporal has neither. */
async function lastRun(
  temporal: Backends['temporal'],
  workflowId: string,
  jobId: string,
): Promise<{ handle: WorkflowHandle; description: WorkflowExecutionDescription } | undefined> {
  for (const runId of [undefined, jobId]) {
    const handle = temporal.workflow.getHandle(workflowId, runId);
    try {
      const description = await handle.describe();
      if (description.raw.workflowExecutionInfo?.firstRunId === jobId) return { handle, description };
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
  return undefined;
}

function lost(status: JobStatus): JobStatus {
  const message = `Temporal does not know workflow ${status.workflow_id} of this job: its history was removed, or this is another server. ${KEPT}`;
  return { ...status, state: 'failed', error: { code: 'WorkflowLost', message }, finished_at: status.started_at };
}
