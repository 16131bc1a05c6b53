import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { isFailureCode } from '../contract/failures.ts';
import type { CancelRequest } from '../contract/inputs.ts';
import { isOver, isPausable, type JobState, type JobStatus } from '../contract/job.ts';
import { CANCEL_UPDATE, PAUSE_UPDATE, RESUME_UPDATE } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import { handleOf, type Job } from '../temporal/jobs.ts';
import type { Backends } from './backends.ts';
import { readJob } from './read-job.ts';

/** @throws UserError JobEnded, NotPausable, NoWorker, Refused */
export const pauseJob = (backends: Backends, job: Job) => update(backends, job, PAUSE_UPDATE);

/** @throws UserError JobEnded, NotPaused, NotPausable, NoWorker, Refused */
export const resumeJob = (backends: Backends, job: Job) => update(backends, job, RESUME_UPDATE);

/**
 * Asks a job to end. Temporal accepts this without a worker, unless there is a reason to record. The job ends when a
 * worker hears of it.
 *
 * @throws UserError JobEnded, InvalidInput, and with a reason NoWorker, Refused
 */
export async function cancelJob(backends: Backends, job: Job, request: CancelRequest = {}): Promise<JobStatus> {
  // Temporal's own cancel carries no reason.
  if (request.reason !== undefined) return update(backends, job, CANCEL_UPDATE, request);
  await requireUnfinished(backends, job, CANCEL_UPDATE);
  await refusing(backends, job, 'cancel', () => handleOf(backends.temporal, job).cancel());
  return readJob(backends, job);
}

/** Only a worker can answer an update, and there may be none. */
const ANSWER_WITHIN_MS = 30_000;
const answerWithinMs = (backends: Backends) => backends.answerWithinMs ?? ANSWER_WITHIN_MS;

async function update(backends: Backends, job: Job, name: string, request: CancelRequest = {}): Promise<JobStatus> {
  const { kind } = await requireUnfinished(backends, job, name);
  if (!isPausable(kind) && name !== CANCEL_UPDATE) {
    throw new UserError('NotPausable', `Job ${job.job_id} is a ${kind}: it can be canceled, but not paused.`);
  }
  return refusing(backends, job, name, async () => {
    await backends.temporal.withDeadline(Date.now() + answerWithinMs(backends), () =>
      handleOf(backends.temporal, job).executeUpdate<JobStatus, [CancelRequest]>(name, { args: [request] }),
    );
    return readJob(backends, job);
  });
}

/** An update reaches whatever runs under the Workflow ID, so this job must be running. */
async function requireUnfinished(backends: Backends, job: Job, name: string): Promise<JobStatus> {
  const status = await readJob(backends, job);
  if (!isOver(status)) return status;
  throw jobEnded(job, STATES[status.state] ?? 'over', name);
}

const STATES: Partial<Record<JobState, string>> = {
  completed: 'completed',
  failed: 'over: it failed',
  canceled: 'canceled',
};

const jobEnded = ({ job_id, dataset }: Job, how: string, name: string) =>
  new UserError('JobEnded', `Job ${job_id} of ${dataset} is already ${how}; there is nothing to ${name}.`);

/** Does the work. Turns a refusal by Temporal or by the job into an error for people. */
async function refusing<T>(backends: Backends, job: Job, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw jobEnded(job, 'over', name);
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
      throw new UserError(
        'NoWorker',
        `No indexing worker has answered within ${answerWithinMs(backends) / 1000} s. See whether one runs: plimsoll doctor. A worker that starts later may still ${name} the job.`,
        { cause: error },
      );
    }
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    const { cause } = error;
    if (cause instanceof ApplicationFailure) {
      throw new UserError(isFailureCode(cause.type) ? cause.type : 'Refused', cause.message, { cause });
    }
    throw new UserError('Refused', `The job refused to ${name}: ${cause?.message ?? error.message}`, { cause });
  }
}
