import { proxyActivities } from '@temporalio/workflow';
import type { RemovalActivities } from '../activities/removal.ts';
import { type DropModelRequest, dropModelInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { longWork, shortWork } from './activity-options.ts';
import { trackJob } from './job-tracker.ts';
import { acceptCancel } from './operate.ts';
import { parseStart } from './parse-input.ts';
import { runJob } from './run-job.ts';

const { beginDrop } = proxyActivities<RemovalActivities>(shortWork);
const { dropVectors } = proxyActivities<RemovalActivities>(longWork);

/**
 * Removes the vectors of a model from a dataset, and its record there. The samples and the vectors of other models stay.
 * Start it with the Workflow ID of an embedding of the dataset with the model, so that none runs at the same time.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under dropModel.
 */
export async function dropModel(request: DropModelRequest): Promise<JobStatus> {
  const input = parseStart(dropModelInput, request);
  const { dataset, model_key } = input;
  const job = trackJob({ kind: 'drop', dataset, request: input, embeds: false });
  return runJob({ job, onRecord: true, operations: acceptCancel(job) }, async () => {
    const begun = await beginDrop({ job_id: job.jobId, workflow_id: job.workflowId, request: input });
    if (begun.search_attributes) job.useSearchAttributes();
    job.noteRemoved(await dropVectors({ job_id: job.jobId, dataset, model_key }));
    return { ready: false };
  });
}
