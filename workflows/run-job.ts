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

export interface JobRun {
  job: JobTracker;
  /** False for a phase of a load: its record and its webhooks are the load's. */
  onRecord: boolean;
  /** What people may do with it; left out where they can do no more than cancel it. */
  operations?: Operations;
  /** Who is told of the end. */
  webhooks?: readonly Webhook[];
}

/**
 * Does the work of a job and brings the job to its end, however the work ends: refuses what people still want of it, ends its
 * record, shows it, and tells its webhooks. Work that continues as new has not ended.
 *
 * @param work returns whether the dataset is ready for search by it
 */
export async function runJob(run: JobRun, work: () => Promise<{ ready: boolean }>): Promise<JobStatus> {
  const { job, onRecord, operations, webhooks = [] } = run;
  const job_id = job.jobId;
  let ready: boolean;
  try {
    ({ ready } = await work());
    await operations?.close();
    // The work is done: a cancel comes too late.
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
