import { CancellationScope, ContinueAsNew, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { JobActivities } from '../activities/jobs.ts';
import type { JobStatus } from '../contract/job.ts';
import type { Webhook } from '../contract/options.ts';
import { shortWork } from './activity-options.ts';
import { announce } from './announce.ts';
import { recordedErrorOf, toFailure } from './failures.ts';
import type { JobTracker } from './job-tracker.ts';
import type { Operations } from './operate.ts';

const { endJob } = proxyActivities<JobActivities>(shortWork);

/** A job and what belongs to its end. */
export interface JobRun {
  job: JobTracker;
  /** False for a phase of another job, which keeps the record and the webhooks. */
  onRecord: boolean;
  /** The operations that people can ask for; omitted for a phase of another job. */
  operations?: Operations;
  /** Receivers of the job's events. */
  webhooks?: readonly Webhook[];
}

/**
 * Does the work of a job and ends the job however the work ends: refuses further operations, ends the record, shows the
 * state, and announces it to the webhooks. Work that continues as new does not end the job.
 *
 * @param work returns `ready`: whether the dataset can be searched once the work is done
 * @throws the failure of the work, as `toFailure` makes it
 */
export async function runJob(run: JobRun, work: () => Promise<{ ready: boolean }>): Promise<JobStatus> {
  const { job, onRecord, operations, webhooks = [] } = run;
  const job_id = job.jobId;
  let ready: boolean;
  try {
    ({ ready } = await work());
    await operations?.close();
    // The work is done, so a cancel comes too late.
    if (onRecord) await CancellationScope.nonCancellable(() => endJob({ job_id, state: 'completed' }));
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const failure = toFailure(error);
    const state = isCancellation(failure) ? 'canceled' : 'failed';
    const recorded = recordedErrorOf(failure, operations?.cancelReason());
    await operations?.close();
    if (onRecord) await CancellationScope.nonCancellable(() => endJob({ job_id, state, error: recorded }));
    job.end(state, recorded);
    await announce(webhooks, `job.${state}`, job.status());
    throw failure;
  }
  job.end('completed');
  if (ready) await announce(webhooks, 'dataset.ready', job.status());
  return job.status();
}
