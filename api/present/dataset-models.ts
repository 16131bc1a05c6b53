import type { DatasetModel, DatasetModels, UsedModel } from '../../core/search/dataset-models.ts';
import { knowsWords, type ModelsHere } from '../../search/knows-words.ts';
import type * as shapes from '../schemas/datasets.ts';

/** Presents the models of a dataset. */
export async function presentModels(
  dataset: string,
  { mediaType, indexed, models }: DatasetModels,
  here: ModelsHere,
): Promise<shapes.DatasetModels> {
  return {
    dataset,
    serving: models.find(({ serves }) => serves)?.key ?? null,
    indexed,
    models: await Promise.all(
      models.map(async (model) => presentModel(model, { indexed, words: await knowsWords(model, mediaType, here) })),
    ),
  };
}

/** Presents a change of the model that serves. */
export async function presentUsed(dataset: string, used: UsedModel, here: ModelsHere): Promise<shapes.UsedModel> {
  return { ...(await presentModels(dataset, used, here)), before: used.before ?? null };
}

const presentModel = (
  model: DatasetModel,
  { indexed, words }: { indexed: number; words: boolean },
): shapes.DatasetModels['models'][number] => ({
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
  words,
  dropped_by: model.droppedBy ?? null,
});

const presentIndex = ({ kind, vectors, bytes, built_at }: NonNullable<DatasetModel['index']>) => ({
  kind,
  vectors,
  size_bytes: bytes,
  built_at: built_at.toISOString(),
});
