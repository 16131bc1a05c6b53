import { type DeleteDatasetRequest, deleteDatasetInput } from '../contract/inputs.ts';
import type { RemovedCounts } from '../contract/job.ts';
import { DELETE_WORKFLOW, loadWorkflowId } from '../contract/names.ts';
import { countDataset } from '../core/deleting/delete-dataset.ts';
import { datasetNotThere } from '../core/store/dataset-errors.ts';
import { getDataset } from '../core/store/datasets.ts';
import { schedulesOf } from '../temporal/schedules.ts';
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
  await getDataset(backends.store, dataset, datasetNotThere);
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

/** What a deletion would do now. */
export interface DeletePreview extends RemovedCounts {
  /** Names of the schedules that load the dataset, and would be paused. */
  schedules: string[];
}

/** @throws UserError DatasetNotFound */
export async function countDelete({ store, temporal }: Backends, dataset: string): Promise<DeletePreview> {
  await getDataset(store, dataset, datasetNotThere);
  const [counts, schedules] = await Promise.all([countDataset(store, dataset), schedulesOf(temporal, dataset)]);
  return { ...counts, schedules };
}
