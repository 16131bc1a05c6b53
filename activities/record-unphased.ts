import type { JobKind } from '../contract/job.ts';
import { loadWorkflowId } from '../contract/names.ts';
import type { Store } from '../core/store/store.ts';
import { recordRun } from './job-runs.ts';
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
  await recordRun(store, { kind, dataset, embeds: false }, { job_id, workflow_id, request, continued: false });
  requireWorkflowId(workflow_id, loadWorkflowId(dataset));
}
