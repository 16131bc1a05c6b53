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
import type { Job } from './find-job.ts';
import { parseRequest, startJob } from './start.ts';

/** @throws UserError InvalidInput, DatasetNotFound, AlreadyRunningError */
export async function startDelete(backends: Backends, request: DeleteDatasetRequest): Promise<Job> {
  const input = parseRequest(deleteDatasetInput, request);
  const { dataset } = input;
  await findDataset(backends.store, dataset);
  return startJob(backends, {
    kind: 'delete',
    workflow: DELETE_WORKFLOW,
    workflowId: loadWorkflowId(dataset),
    dataset,
    input,
    embeds: false,
    summary: `Delete ${dataset}`,
  });
}

/** What a deletion would remove now. @throws UserError DatasetNotFound */
export async function countDelete({ store }: Backends, dataset: string): Promise<RemovedCounts> {
  await findDataset(store, dataset);
  return countDataset(store, dataset);
}
