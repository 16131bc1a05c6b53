import { WorkflowFailedError, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { UserError } from '../core/errors.ts';
import { endLoad } from '../core/loads/phases.ts';
import { readStatus } from '../core/loads/read-status.ts';
import { type LoadStatus, phaseStatusOf } from '../core/loads/status.ts';
import type { RecordedError } from '../core/store/documents.ts';
import { EMBED_WORKFLOW } from '../workflows/contract.ts';
import type { Backends } from './backends.ts';
import type { Job } from './find-job.ts';

/**
 * A job's status: its record, which outlives Temporal's retention, or what Temporal says before it has one.
 *
 * @throws UserError JobNotFound
 */
export async function readJob(backends: Backends, job: Job): Promise<LoadStatus> {
  const status = await readStatus(backends.store, job.job_id);
  if (status === undefined) return askTemporal(backends, job);
  if (status.finished_at !== null) return status;
  return (await settle(backends, job)) ? ((await readStatus(backends.store, job.job_id)) ?? status) : status;
}

/** A job without a record: no worker has begun it, or its input was refused before there could be one. */
async function askTemporal({ temporal }: Backends, job: Job): Promise<LoadStatus> {
  const handle = temporal.workflow.getHandle(job.workflow_id, job.job_id);
  try {
    const { status, type, startTime, closeTime } = await handle.describe();
    const ended = status.name !== 'RUNNING' && status.name !== 'PAUSED';
    const idle = phaseStatusOf(
      { state: ended ? 'skipped' : 'pending', done: 0, failed: 0, total: 0, total_known: ended },
      startTime,
    );
    return {
      job_id: job.job_id,
      workflow_id: job.workflow_id,
      kind: type === EMBED_WORKFLOW ? 'embed' : 'load',
      dataset: job.dataset,
      state: ended ? (status.name === 'CANCELLED' ? 'canceled' : 'failed') : 'queued',
      phases: { indexing: idle, embedding: idle },
      error: ended ? await failureOf(handle) : null,
      request: {},
      started_at: startTime.toISOString(),
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
    if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'Error', message: cause.message };
    return { code: 'Error', message: cause instanceof Error ? cause.message : String(cause) };
  }
}

/**
 * Ends the record of a job whose workflow was terminated or timed out, and so could not do it itself. Returns whether the
 * workflow has ended.
 */
export async function settle({ temporal, store }: Backends, { workflow_id, job_id }: Job): Promise<boolean> {
  const end = await workflowEnd(temporal, workflow_id, job_id);
  if (end === undefined) return false;
  if (end === 'TERMINATED' || end === 'TIMED_OUT') {
    const [code, message] =
      end === 'TERMINATED'
        ? ['Terminated', 'The workflow was terminated on Temporal. What was done is kept; load again to go on.']
        : ['TimedOut', 'The workflow ran into its time limit on Temporal. What was done is kept; load again to go on.'];
    await endLoad(store, job_id, 'failed', { code, message });
  }
  return true;
}

/** How the workflow ended; undefined while it runs, or when Temporal does not know it. */
async function workflowEnd(
  temporal: Backends['temporal'],
  workflowId: string,
  jobId: string,
): Promise<string | undefined> {
  try {
    const latest = await temporal.workflow.getHandle(workflowId).describe();
    const described =
      latest.raw.workflowExecutionInfo?.firstRunId === jobId
        ? latest
        : await temporal.workflow.getHandle(workflowId, jobId).describe();
    const { name } = described.status;
    return name === 'RUNNING' || name === 'PAUSED' ? undefined : name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
