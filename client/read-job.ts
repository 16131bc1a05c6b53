import { type WorkflowExecutionDescription, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { isFailureCode } from '../contract/failures.ts';
import { isOver, type JobState, type JobStatus, type RecordedError } from '../contract/job.ts';
import { KINDS } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import { endJob } from '../core/jobs/phases.ts';
import { readStatus } from '../core/jobs/read-status.ts';
import { phaseStatusOf } from '../core/jobs/status.ts';
import { setEnd } from '../core/store/jobs.ts';
import { ifFound, isRunning, type Job, jobIdOf } from '../temporal/jobs.ts';
import type { Backends } from './backends.ts';
import { withWaitReason } from './wait-reason.ts';

/**
 * A job's status, from its record. If there is none, Temporal tells what it knows.
 *
 * @throws UserError JobNotFound
 */
export async function readJob(backends: Backends, job: Job): Promise<JobStatus> {
  const status = await readStatus(backends.store, job.job_id);
  return status === undefined ? withWaitReason(backends, await askTemporal(backends, job)) : settle(backends, status);
}

/**
 * The status of a job that has no record: no worker has begun it, its input was refused before there could be a record,
 * or the record was cleaned up. A workflow that completed has its status as its result.
 */
async function askTemporal({ temporal }: Backends, job: Job): Promise<JobStatus> {
  const handle = temporal.workflow.getHandle(job.workflow_id, job.job_id);
  const workflow = await ifFound(handle.describe());
  if (workflow === undefined) {
    throw new UserError('JobNotFound', `Job ${job.job_id} has no record, and Temporal does not know it.`);
  }
  const { status, type, startTime, closeTime } = workflow;
  if (status.name === 'COMPLETED') {
    const result = (await handle.result()) as Partial<JobStatus> | null;
    if (result?.job_id === job.job_id && result.phases !== undefined) return result as JobStatus;
  }
  const ended = !isRunning(workflow);
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
    retrying: null,
    request: {},
    started_at: startTime.toISOString(),
    paused_at: null,
    finished_at: closeTime?.toISOString() ?? null,
  };
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
 * Ends the record of a job whose workflow ended without doing so: it was terminated, timed out, or was canceled before
 * it began. If Temporal does not know the workflow, the status says that it is lost, and the record stays as it is:
 * another server may know the workflow.
 */
export async function settle(backends: Backends, status: JobStatus): Promise<JobStatus> {
  if (isOver(status)) return status;
  const { temporal, store } = backends;
  const { workflow_id, job_id } = status;
  const run = await lastRun(temporal, workflow_id, job_id);
  if (run === undefined) return lost(status);
  const { handle, description } = run;
  if (isRunning(description)) return withWaitReason(backends, status);
  const { name } = description.status;
  // The workflow may have ended the record since it was read. Ending it again changes nothing.
  const state = STATES[name] ?? 'failed';
  const error = state === 'completed' ? undefined : (ERRORS[name] ?? (await failureOf(handle)));
  await endJob(store, job_id, state, error);
  // The record says when the job ended, and not when somebody noticed.
  if (description.closeTime !== undefined) await setEnd(store, job_id, description.closeTime);
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
  // Temporal no longer knows the job's last run. That run left the record open, so it was terminated.
  CONTINUED_AS_NEW: TERMINATED,
  TIMED_OUT: { code: 'TimedOut', message: `The workflow reached its time limit on Temporal. ${KEPT}` },
};

/** The job's last run; its first run if another job has the Workflow ID now; undefined if Temporal knows neither. */
async function lastRun(
  temporal: Backends['temporal'],
  workflowId: string,
  jobId: string,
): Promise<{ handle: WorkflowHandle; description: WorkflowExecutionDescription } | undefined> {
  for (const runId of [undefined, jobId]) {
    const handle = temporal.workflow.getHandle(workflowId, runId);
    const description = await ifFound(handle.describe());
    if (description !== undefined && jobIdOf(description) === jobId) return { handle, description };
  }
  return undefined;
}

function lost(status: JobStatus): JobStatus {
  const message = `Temporal does not know workflow ${status.workflow_id} of this job: its history was removed, or this is another server. ${KEPT}`;
  const error = { code: 'WorkflowLost', message };
  return { ...status, state: 'failed', error, retrying: null, finished_at: status.started_at };
}
