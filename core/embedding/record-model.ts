import { UserError } from '../errors.ts';
import type { EmbeddingModel } from '../models/embedder.ts';
import { datasetDeletedMeanwhile } from '../store/dataset-errors.ts';
import type { DatasetDocument } from '../store/documents.ts';
import { sumProgress } from '../store/progress.ts';
import type { Store } from '../store/store.ts';

type RecordedModel = DatasetDocument['models'][number];

/**
 * Notes on the dataset that a model has embedded it to the end, and how many vectors of it there are.
 *
 * @throws UserError NothingEmbedded when there was work and the model has not a single vector after it.
 * @throws UserError DatasetNotFound when the dataset was deleted meanwhile.
 */
export async function recordModel(
  store: Store,
  { jobId, datasetId, model }: { jobId: string; datasetId: string; model: EmbeddingModel },
): Promise<{ done: number; failed: number }> {
  const sums = (await sumProgress(store, jobId)).get('embedding');
  const { done = 0, failed = 0 } = sums ?? {};
  const vectors = await store.embeddings.countDocuments({ dataset_id: datasetId, model_key: model.key });
  if (vectors === 0 && failed > 0) {
    throw new UserError(
      'NothingEmbedded',
      `None of the ${failed} samples could be embedded with ${model.key}. See why: plimsoll samples ${datasetId} --errors`,
    );
  }
  const now = new Date();
  const { key, name, revision, dim } = model;
  const entry = { key, name, revision, dim, vectors, last_modified_at: now, completed_at: now };
  if (!(await writeModel(store, datasetId, entry))) throw datasetDeletedMeanwhile(datasetId);
  return { done, failed };
}

/** Notes how many vectors of a model there are where its embedding was broken off; whether it ever came to an end stays as it is. */
export async function refreshModel(store: Store, datasetId: string, key: string): Promise<void> {
  const own = { dataset_id: datasetId, model_key: key };
  const [vectors, any] = await Promise.all([
    store.embeddings.countDocuments(own),
    store.embeddings.findOne(own, { projection: { dim: 1 } }),
  ]);
  if (any === null) return;
  const at = key.lastIndexOf('@');
  const [name, revision] = [key.slice(0, at), key.slice(at + 1)];
  await writeModel(store, datasetId, { key, name, revision, dim: any.dim, vectors, last_modified_at: new Date() });
}

/** In one step, as two models may come to their ends at once. Returns whether the dataset is there. */
async function writeModel(store: Store, datasetId: string, model: RecordedModel): Promise<boolean> {
  const key = { $literal: model.key };
  const others = { $filter: { input: '$models', cond: { $ne: ['$$this.key', key] } } };
  const before = { $first: { $filter: { input: '$models', cond: { $eq: ['$$this.key', key] } } } };
  const now = { $mergeObjects: [before, { $literal: model }] };
  const { matchedCount } = await store.datasets.updateOne({ _id: datasetId }, [
    { $set: { models: { $concatArrays: [others, [now]] } } },
  ]);
  return matchedCount > 0;
}
