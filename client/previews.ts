import { isSameModel } from '../contract/built-in-model.ts';
import { type ForgetSourceRequest, forgetSourceInput } from '../contract/inputs.ts';
import type { RemovedCounts } from '../contract/job.ts';
import { countDataset } from '../core/deleting/delete-dataset.ts';
import { requireDroppable } from '../core/deleting/drop-model.ts';
import { countBelow } from '../core/deleting/forget-source.ts';
import { countMissing } from '../core/deleting/prune-missing.ts';
import { folderNameOf, overlap } from '../core/folders.ts';
import { requireInDataset } from '../core/sources/require-in-dataset.ts';
import { datasetNotThere } from '../core/store/dataset-errors.ts';
import { getDataset } from '../core/store/datasets.ts';
import { countVectors } from '../core/store/embeddings.ts';
import { schedulesOf } from '../temporal/schedules.ts';
import type { Backends } from './backends.ts';
import { parseRequest } from './parse-request.ts';

/** Previews what a prune would remove now. @throws UserError DatasetNotFound */
export async function countPrune({ store }: Backends, dataset: string): Promise<RemovedCounts> {
  await getDataset(store, dataset, datasetNotThere);
  return countMissing(store, dataset);
}

/** Previews what a forget would do now. */
export interface ForgetPreview extends RemovedCounts {
  /** Names of the schedules that load files of the folder, and would bring them back. */
  schedules: string[];
}

/** @throws UserError InvalidInput, DatasetNotFound, FolderNotInDataset */
export async function countForget({ store, temporal }: Backends, request: ForgetSourceRequest): Promise<ForgetPreview> {
  const { dataset, source } = parseRequest(forgetSourceInput, request);
  await getDataset(store, dataset, datasetNotThere);
  const folder = folderNameOf(source);
  await requireInDataset(store, { datasetId: dataset, folder });
  const [counts, schedules] = await Promise.all([
    countBelow(store, { datasetId: dataset, folder }),
    schedulesOf(temporal, dataset, { loads: (load) => overlap(folderNameOf(load.source), folder) }),
  ]);
  return { ...counts, schedules };
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

/** Previews what a drop would do now. */
export interface DropPreview extends RemovedCounts {
  /** The key of the model. */
  model: string;
  /** Names of the schedules that embed the dataset with the model, and would bring its vectors back. */
  schedules: string[];
}

/** @throws UserError DatasetNotFound, ModelNotInDataset, ModelServes, InvalidInput */
export async function countDrop({ store, temporal }: Backends, dataset: string, asked: string): Promise<DropPreview> {
  const model = await requireDroppable(store, dataset, asked);
  const isModel = (name: string) => [model.key, model.asked].some((each) => each && isSameModel(each, name));
  const [vectors, schedules] = await Promise.all([
    countVectors(store, { datasetId: dataset, modelKey: model.key }),
    schedulesOf(temporal, dataset, { loads: (load) => load.embed && isModel(load.model) }),
  ]);
  return { model: model.key, samples: 0, vectors, schedules };
}
