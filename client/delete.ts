import { countDataset } from '../core/deleting/delete-dataset.ts';
import type { RemovedCounts } from '../core/store/documents.ts';
import { findDataset } from '../core/store/list-samples.ts';
import {
  DELETE_WORKFLOW,
  type DeleteDatasetRequest,
  deleteDatasetInput,
  loadWorkflowId,
} from '../workflows/contract.ts';
import type { Backends } from './backends.ts';
import { parseRequest, type Start, type StartedJob, type StartOptions, startJob } from './start.ts';

/** @throws UserError InvalidInput, DatasetNotFound, AlreadyRunningError */
export async function startDelete(
  backends: Backends,
  request: DeleteDatasetRequest,
  options: StartOptions = {},
): Promise<StartedJob> {
  const input = parseRequest(deleteDatasetInput, request);
  const { dataset } = input;
  await findDataset(backends.store, dataset);
  const job: Start = {
    kind: 'delete',
    workflow: DELETE_WORKFLOW,
    workflowId: loadWorkflowId(dataset),
    dataset,
    input,
    embeds: false,
    summary: `Delete ${dataset}`,
  };
  return startJob(backends, job, options);
}

/** What a deletion would remove now. @throws UserError DatasetNotFound */
export async function countDelete({ store }: Backends, dataset: string): Promise<RemovedCounts> {
  await findDataset(store, dataset);
  return countDataset(store, dataset);
}
