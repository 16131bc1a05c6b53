import { proxyActivities } from '@temporalio/workflow';
import type { RelocationActivities } from '../activities/relocation.ts';
import { type RelocateDatasetRequest, relocateDatasetInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { longWork, shortWork } from './activity-options.ts';
import { trackJob } from './job-tracker.ts';
import { acceptCancel } from './operate.ts';
import { parseStart } from './parse-input.ts';
import { runJob } from './run-job.ts';

const { beginRelocate } = proxyActivities<RelocationActivities>(shortWork);
const { checkRelocation, relocateSamples } = proxyActivities<RelocationActivities>(longWork);

/**
 * Follows files that were moved to another folder: their samples get new paths and keep their numbers, tags and
 * vectors. Start it with the Workflow ID of a load of the dataset, so that no load runs at the same time. Nothing is
 * changed unless every check has passed. If it was canceled half-way, another relocate completes it.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under relocateDataset.
 */
export async function relocateDataset(request: RelocateDatasetRequest): Promise<JobStatus> {
  const input = parseStart(relocateDatasetInput, request);
  const { dataset } = input;
  const job = trackJob({ kind: 'relocate', dataset, request: input, embeds: false });
  return runJob({ job, onRecord: true, operations: acceptCancel(job) }, async () => {
    const begun = await beginRelocate({ job_id: job.jobId, workflow_id: job.workflowId, request: input });
    if (begun.search_attributes) job.useSearchAttributes();
    const move = { job_id: job.jobId, dataset, from: begun.from, to: begun.to };
    await checkRelocation(move);
    job.noteMoved(await relocateSamples(move));
    return { ready: false };
  });
}
