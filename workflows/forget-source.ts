import { proxyActivities } from '@temporalio/workflow';
import type { RemovalActivities } from '../activities/removal.ts';
import { type ForgetSourceRequest, forgetSourceInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { longWork, shortWork } from './activity-options.ts';
import { trackJob } from './job-tracker.ts';
import { acceptCancel } from './operate.ts';
import { parseStart } from './parse-input.ts';
import { runJob } from './run-job.ts';

const { beginForget } = proxyActivities<RemovalActivities>(shortWork);
const { forgetSamples } = proxyActivities<RemovalActivities>(longWork);

/**
 * Removes the samples of a dataset that lie below a folder, their vectors, and the folder as a source of the dataset.
 * The files stay, and need not be there. Start it with the Workflow ID of a load of the dataset, so that no load runs
 * at the same time.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under forgetSource.
 */
export async function forgetSource(request: ForgetSourceRequest): Promise<JobStatus> {
  const input = parseStart(forgetSourceInput, request);
  const { dataset } = input;
  const job = trackJob({ kind: 'forget', dataset, request: input, embeds: false });
  return runJob({ job, onRecord: true, operations: acceptCancel(job) }, async () => {
    const begun = await beginForget({ job_id: job.jobId, workflow_id: job.workflowId, request: input });
    if (begun.search_attributes) job.useSearchAttributes();
    job.noteRemoved(await forgetSamples({ job_id: job.jobId, dataset, folder: begun.folder }));
    return { ready: false };
  });
}
