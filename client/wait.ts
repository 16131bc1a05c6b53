import type { FailureCode } from '../contract/failures.ts';
import type { JobStatus } from '../contract/job.ts';
import type { Job } from '../temporal/jobs.ts';
import type { Backends } from './backends.ts';
import { watchJob } from './watch-job.ts';

/**
 * The milestones to wait for: the dataset can be browsed, its artifact is written, all its vectors are stored and
 * indexed, or the whole job has ended.
 */
export const MILESTONES = ['browsable', 'artifact', 'searchable', 'completed'] as const;
export type Milestone = (typeof MILESTONES)[number];

export interface WaitOptions {
  for?: Milestone;
  timeoutMs?: number;
  /** Called with each status on the way. */
  onStatus?: (status: JobStatus) => void;
  signal?: AbortSignal;
}

export class WaitTimeoutError extends Error {
  readonly code = 'WaitTimeout' satisfies FailureCode;
  readonly status: JobStatus | undefined;

  constructor(seconds: number, milestone: Milestone, status: JobStatus | undefined) {
    super(`The job was not ${milestone} after ${seconds} s. It goes on, and you can wait for it again.`);
    this.name = 'WaitTimeoutError';
    this.status = status;
  }
}

/** The status in which the job reached the milestone or ended. @throws WaitTimeoutError */
export async function waitFor(backends: Backends, job: Job, options: WaitOptions): Promise<JobStatus> {
  const { for: milestone = 'completed', timeoutMs } = options;
  const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const signals = [timeout, options.signal].filter((signal) => signal !== undefined);
  let last: JobStatus | undefined;
  try {
    for await (const status of watchJob(backends, job, AbortSignal.any(signals))) {
      last = status;
      options.onStatus?.(status);
      // A job has ended when its workflow has, shortly after its record says so.
      if (milestone !== 'completed' && hasReached(status, milestone)) return status;
      // It never will be written.
      if (milestone === 'artifact' && status.artifact?.state === 'failed') return status;
    }
  } catch (error) {
    if (timeout?.aborted && timeoutMs !== undefined) throw new WaitTimeoutError(timeoutMs / 1000, milestone, last);
    throw error;
  }
  if (last === undefined) throw new Error(`Job ${job.job_id} ended without a status.`);
  return last;
}

/** Whether a job has reached a milestone. One that was over before it reached it never will. */
export function hasReached(status: JobStatus, milestone: Milestone): boolean {
  if (milestone === 'browsable') return isBrowsable(status);
  if (milestone === 'artifact') return status.artifact?.state === 'completed';
  // The index is the last step of phase 2.
  if (milestone === 'searchable') return status.phases.embedding.state === 'completed';
  return status.state === 'completed';
}

/** Whether the job's dataset can be browsed: phase 1 has completed, or the dataset was there before the job. */
export function isBrowsable({ kind, phases }: JobStatus): boolean {
  // A skipped first phase does not tell: a load that ended before it began has skipped it, too.
  return (kind !== 'load' && kind !== 'delete') || phases.indexing.state === 'completed';
}
