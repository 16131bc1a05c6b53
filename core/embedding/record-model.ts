import { UserError } from '../errors.ts';
import type { EmbeddingModel } from '../models/embedder.ts';
import { sumProgress } from '../store/progress.ts';
import type { Store } from '../store/store.ts';

/**
 * Notes on the dataset which model its vectors are of, and how many there are.
 *
 * @throws UserError NothingEmbedded when there was work and the model has not a single vector after it.
 */
export async function recordModel(
  store: Store,
  { loadId, datasetId, model }: { loadId: string; datasetId: string; model: EmbeddingModel },
): Promise<{ done: number; failed: number }> {
  const sums = (await sumProgress(store, loadId)).get('embedding');
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
  const entry = { key, name, revision, dim, vectors, last_modified_at: now };
  const dataset = { _id: datasetId };
  const { matchedCount } = await store.datasets.updateOne(
    { ...dataset, 'models.key': key },
    { $set: { 'models.$': entry } },
  );
  if (matchedCount === 0)
    await store.datasets.updateOne({ ...dataset, 'models.key': { $ne: key } }, { $push: { models: entry } });
  return { done, failed };
}
