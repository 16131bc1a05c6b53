import type { JobKind } from '../contract/job.ts';
import { loadWorkflowId } from '../contract/names.ts';
import { recordJob } from '../core/jobs/begin.ts';
import type { Store } from '../core/store/store.ts';
import { requireWorkflowId } from './require-workflow-id.ts';

export interface BeginUnphasedInput<Request extends { dataset: string } = { dataset: string }> {
  job_id: string;
  workflow_id: string;
  request: Request;
}

export interface BegunUnphased {
  search_attributes: boolean;
}

/**
 * Records a job without phases. It runs under the Workflow ID of a load, so that no load of the dataset runs beside it.
 *
 * @throws UserError InvalidInput
 */
export async function recordUnphased(
  store: Store,
  kind: JobKind,
  { job_id, workflow_id, request }: BeginUnphasedInput,
): Promise<void> {
  const { dataset } = request;
  await recordJob(store, {
    jobId: job_id,
    workflowId: workflow_id,
    kind,
    datasetId: dataset,
    request: { ...request },
    embeds: false,
  });
  requireWorkflowId(workflow_id, loadWorkflowId(dataset));
}
