import { CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { IndexActivities } from '../activities/index-activities.ts';
import type { LoadStatus } from '../core/loads/status.ts';
import type { RemovedCounts } from '../core/store/documents.ts';
import { shortIndexWork } from './activity-options.ts';
import { recordedErrorOf, toFailure } from './failures.ts';
import type { JobStatus } from './job-status.ts';

const { endLoad } = proxyActivities<IndexActivities>(shortIndexWork);

/** Runs a job that removes things, and ends its record however it ends. */
export async function runRemoval(job: JobStatus, remove: () => Promise<RemovedCounts>): Promise<LoadStatus> {
  try {
    job.noteRemoved(await remove());
    await endLoad({ load_id: job.jobId, state: 'completed' });
    job.end('completed');
    return job.status();
  } catch (error) {
    const failure = toFailure(error);
    const state = isCancellation(failure) ? 'canceled' : 'failed';
    const recorded = recordedErrorOf(failure);
    await CancellationScope.nonCancellable(() => endLoad({ load_id: job.jobId, state, error: recorded }));
    job.end(state, recorded);
    throw failure;
  }
}
