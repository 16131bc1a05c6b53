import type { RemovedCounts } from '../contract/job.ts';
import { countDataset } from '../core/deleting/delete-dataset.ts';
import { countMissing } from '../core/deleting/prune-missing.ts';
import { datasetNotThere } from '../core/store/dataset-errors.ts';
import { getDataset } from '../core/store/datasets.ts';
import { schedulesOf } from '../temporal/schedules.ts';
import type { Backends } from './backends.ts';

/** Previews what a prune would remove now. @throws UserError DatasetNotFound */
export async function countPrune({ store }: Backends, dataset: string): Promise<RemovedCounts> {
  await getDataset(store, dataset, datasetNotThere);
  return countMissing(store, dataset);
}

/** Previews what a deletion would do now. */
export interface DeletePreview extends RemovedCounts {
  /** Names of the schedules that load the dataset. They would be paused. */
  schedules: string[];
}

/** @throws UserError DatasetNotFound */
export async function countDelete({ store, temporal }: Backends, dataset: string): Promise<DeletePreview> {
  await getDataset(store, dataset, datasetNotThere);
  const [counts, schedules] = await Promise.all([countDataset(store, dataset), schedulesOf(temporal, dataset)]);
  return { ...counts, schedules };
}
