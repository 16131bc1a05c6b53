import type { DatasetModel, DatasetModels, UsedModel } from '../../core/search/dataset-models.ts';
import type * as shapes from '../schemas/datasets.ts';

/** Presents the models of a dataset. */
export const presentModels = (dataset: string, { indexed, models }: DatasetModels): shapes.DatasetModels => ({
  dataset,
  serving: models.find(({ serves }) => serves)?.key ?? null,
  indexed,
  models: models.map((model) => presentModel(model, indexed)),
});

/** Presents a change of the model that serves. */
export const presentUsed = (dataset: string, used: UsedModel): shapes.UsedModel => ({
  ...presentModels(dataset, used),
  before: used.before ?? null,
});

const presentModel = (model: DatasetModel, indexed: number): shapes.DatasetModels['models'][number] => ({
  key: model.key,
  name: model.name,
  revision: model.revision,
  dim: model.dim,
  vectors: model.vectors,
  embedded: model.embedded,
  share: indexed === 0 ? null : Math.min(1, model.embedded / indexed),
  serving: model.serves,
  completed_at: model.completedAt?.toISOString() ?? null,
  index: model.index === undefined ? null : presentIndex(model.index),
  dropped_by: model.droppedBy ?? null,
});

const presentIndex = ({ kind, vectors, bytes, built_at }: NonNullable<DatasetModel['index']>) => ({
  kind,
  vectors,
  size_bytes: bytes,
  built_at: built_at.toISOString(),
});
