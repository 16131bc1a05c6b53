import { proxyActivities } from '@temporalio/workflow';
import type { RemovalActivities } from '../activities/removal.ts';
import { type PruneDatasetRequest, pruneDatasetInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { longWork, shortWork } from './activity-options.ts';
import { trackJob } from './job-tracker.ts';
import { acceptCancel } from './operate.ts';
import { parseStart } from './parse-input.ts';
import { runJob } from './run-job.ts';

const { beginPrune } = proxyActivities<RemovalActivities>(shortWork);
const { pruneMissing } = proxyActivities<RemovalActivities>(longWork);

/**
 * Removes the samples of a dataset whose files are missing, and their vectors. Start it with the Workflow ID of a load
 * of the dataset, so that no load runs at the same time.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under pruneDataset.
 */
export async function pruneDataset(request: PruneDatasetRequest): Promise<JobStatus> {
  const input = parseStart(pruneDatasetInput, request);
  const { dataset } = input;
  const job = trackJob({ kind: 'prune', dataset, request: input, embeds: false });
  return runJob({ job, onRecord: true, operations: acceptCancel(job) }, async () => {
    const begun = await beginPrune({ job_id: job.jobId, workflow_id: job.workflowId, request: input });
    if (begun.search_attributes) job.useSearchAttributes();
    job.noteRemoved(await pruneMissing({ job_id: job.jobId, dataset }));
    return { ready: false };
  });
}
