import { type PruneDatasetRequest, pruneDatasetInput } from '../contract/inputs.ts';
import type { RemovedCounts } from '../contract/job.ts';
import { loadWorkflowId, PRUNE_WORKFLOW } from '../contract/names.ts';
import { countMissing } from '../core/deleting/prune-missing.ts';
import { datasetNotThere } from '../core/store/dataset-errors.ts';
import { getDataset } from '../core/store/datasets.ts';
import type { Backends } from './backends.ts';
import { parseRequest, type Start, type StartedJob, type StartOptions, startJob } from './start.ts';

/** @throws UserError InvalidInput, DatasetNotFound, AlreadyRunningError */
export async function startPrune(
  backends: Backends,
  request: PruneDatasetRequest,
  options: StartOptions = {},
): Promise<StartedJob> {
  const input = parseRequest(pruneDatasetInput, request);
  const { dataset } = input;
  await getDataset(backends.store, dataset, datasetNotThere);
  const job: Start = {
    kind: 'prune',
    workflow: PRUNE_WORKFLOW,
    workflowId: loadWorkflowId(dataset),
    dataset,
    input,
    embeds: false,
    summary: `Prune ${dataset}`,
  };
  return startJob(backends, job, options);
}

/** What a prune would remove now. @throws UserError DatasetNotFound */
export async function countPrune({ store }: Backends, dataset: string): Promise<RemovedCounts> {
  await getDataset(store, dataset, datasetNotThere);
  return countMissing(store, dataset);
}
