import { isSameModel } from '../../contract/built-in-model.ts';
import { UserError } from '../errors.ts';
import type { RecordedModel } from '../store/datasets.ts';
import type { DatasetDocument, PublishedIndexDocument } from '../store/documents.ts';
import { dimensionOf, partsOfKey, vectorModels } from '../store/embeddings.ts';
import type { Store } from '../store/store.ts';

/** A model whose vectors can be searched. */
export interface SearchModel {
  key: string;
  name: string;
  revision: string;
  /** The number of elements of a vector. */
  dim: number;
  /** Its name in the request of the job that completed it last: a name, a key, or the path of a folder. */
  asked?: string | undefined;
  index?: PublishedIndexDocument | undefined;
}

/**
 * The model that serves the dataset, or that is asked for by its key, if the dataset's record shows that it has vectors.
 * Undefined if the record can't tell: then modelToSearch asks the vectors.
 */
export function recordedModel(dataset: DatasetDocument, asked?: string): SearchModel | undefined {
  const key = asked ?? dataset.serving;
  const recorded = dataset.models.find((model) => model.key === key);
  return recorded !== undefined && recorded.vectors > 0 ? searchModel(recorded) : undefined;
}

const searchModel = ({
  key,
  dim,
  asked,
  index,
}: Pick<RecordedModel, 'key' | 'dim' | 'asked' | 'index'>): SearchModel => ({
  key,
  ...partsOfKey(key),
  dim,
  asked,
  index,
});

/**
 * Chooses the model whose vectors a search uses: the one that was asked for, by key or name; else the one that serves the
 * dataset; else the one that has embedded it to the end first; else one that is embedding it. So a new model does not
 * take the place of one that is complete.
 *
 * @throws UserError NoVectors, ModelNotInDataset
 */
export async function modelToSearch(store: Store, dataset: DatasetDocument, asked?: string): Promise<SearchModel> {
  const keys = await vectorModels(store, dataset._id);
  if (keys.length === 0) {
    throw new UserError(
      'NoVectors',
      `${dataset._id} has no vectors yet. They come with its embedding: plimsoll embed ${dataset._id} starts one.`,
    );
  }
  const key = asked === undefined ? servingKey(dataset, keys) : keyNamed(dataset, keys, asked);
  if (key === undefined) {
    throw new UserError('ModelNotInDataset', `${dataset._id} has no vectors of ${asked}. It has: ${keys.join(', ')}.`);
  }
  const recorded = dataset.models.find((model) => model.key === key);
  const dim = recorded?.dim ?? (await dimensionOf(store, { datasetId: dataset._id, modelKey: key })) ?? 0;
  return searchModel({ ...recorded, key, dim });
}

/** The key of the model that serves a dataset, of those that have vectors. */
export function servingKey({ serving, models }: DatasetDocument, keys: readonly string[]): string | undefined {
  if (serving !== undefined && keys.includes(serving)) return serving;
  const [first] = models
    .filter(({ key, completed_at }) => completed_at !== undefined && keys.includes(key))
    .sort((a, b) => Number(a.completed_at) - Number(b.completed_at));
  return first?.key ?? keys[0];
}

/** The key that is meant by a key, a model's name, or what it was called when it last embedded the dataset. */
function keyNamed({ models }: DatasetDocument, keys: readonly string[], asked: string): string | undefined {
  if (keys.includes(asked)) return asked;
  const isNamed = (name: string | undefined) => name !== undefined && isSameModel(name, asked);
  const named = models
    .filter((model) => (isNamed(model.name) || isNamed(model.asked)) && keys.includes(model.key))
    .sort((a, b) => Number(a.completed_at ?? 0) - Number(b.completed_at ?? 0));
  return named.at(-1)?.key ?? keys.find((key) => isNamed(partsOfKey(key).name));
}
