import type { ClientSession } from 'mongodb';
import type { Store } from '../store/store.ts';

/** The models that a dataset has vectors of, from the index alone. */
export function modelKeys(store: Store, datasetId: string): Promise<string[]> {
  return store.embeddings.distinct('model_key', { dataset_id: datasetId });
}

/** Removes the vectors of some samples, of all models, and says how many there were. */
export async function removeVectors(
  store: Store,
  samples: { datasetId: string; models: readonly string[]; seqs: readonly number[] },
  session?: ClientSession,
): Promise<number> {
  const { deletedCount } = await store.embeddings.deleteMany(
    filterOf(samples),
    session === undefined ? {} : { session },
  );
  return deletedCount;
}

/** The vectors of some samples, of all models. Naming the models lets the index answer. */
export function filterOf(samples: { datasetId: string; models: readonly string[]; seqs: readonly number[] }) {
  const { datasetId, models, seqs } = samples;
  return { dataset_id: datasetId, model_key: { $in: [...models] }, seq: { $in: [...seqs] } };
}

/** Brings the dataset's `models[].vectors` up to date. */
export async function refreshVectors(store: Store, datasetId: string, onStep: () => void): Promise<void> {
  const dataset = await store.datasets.findOne({ _id: datasetId }, { projection: { models: 1 } });
  for (const { key } of dataset?.models ?? []) {
    const vectors = await store.embeddings.countDocuments({ dataset_id: datasetId, model_key: key });
    await store.datasets.updateOne({ _id: datasetId, 'models.key': key }, { $set: { 'models.$.vectors': vectors } });
    onStep();
  }
}
