import { UserError } from '../errors.ts';
import { datasetDeletedMeanwhile } from '../store/dataset-errors.ts';
import { writeModel } from '../store/datasets.ts';
import { countVectors, dimensionOf, partsOfKey } from '../store/embeddings.ts';
import { findJob } from '../store/jobs.ts';
import { sumProgress } from '../store/progress.ts';
import type { Store } from '../store/store.ts';
import type { EmbeddingModel } from './embedder.ts';

/** A model that has embedded a dataset to the end. */
export interface RecordModelRequest {
  jobId: string;
  datasetId: string;
  model: Pick<EmbeddingModel, 'key' | 'name' | 'revision' | 'dim'>;
  /** The model, as the job named it. */
  asked: string;
  /** Whether the model is to serve the dataset's searches from now on. The first model serves anyway. */
  switches?: boolean;
}

/**
 * Records on the dataset that a model has embedded it to the end, how many vectors the model has, and which model serves
 * searches from now on, in one write.
 *
 * @throws UserError NothingEmbedded when there was work but the model has no vector.
 * @throws UserError DatasetNotFound when the dataset was deleted meanwhile.
 */
export async function recordModel(
  store: Store,
  { jobId, datasetId, model, asked, switches = false }: RecordModelRequest,
): Promise<{ done: number; failed: number; reused: number }> {
  const sums = (await sumProgress(store, jobId)).get('embedding');
  const { done = 0, failed = 0, reused = 0 } = sums ?? {};
  const vectors = await countVectors(store, { datasetId, modelKey: model.key });
  if (vectors === 0 && failed > 0) {
    throw new UserError(
      'NothingEmbedded',
      `None of the ${failed} samples could be embedded with ${model.key}. ` +
        `See why: plimsoll samples ${datasetId} --errors`,
    );
  }
  const now = new Date();
  const { planned_at } = (await findJob(store, jobId))?.phases.embedding ?? {};
  const { key, name, revision, dim } = model;
  const entry = {
    key,
    name,
    asked,
    revision,
    dim,
    vectors,
    last_modified_at: now,
    completed_at: now,
    ...(planned_at && { planned_at }),
  };
  if (!(await writeModel(store, datasetId, entry, switches ? 'this' : 'first')))
    throw datasetDeletedMeanwhile(datasetId);
  return { done, failed, reused };
}

/** Records how many vectors a model has after an interrupted embedding. Leaves `completed_at` as it is. */
export async function refreshModel(store: Store, datasetId: string, key: string): Promise<void> {
  const set = { datasetId, modelKey: key };
  const [vectors, dim] = await Promise.all([countVectors(store, set), dimensionOf(store, set)]);
  if (dim === undefined) return;
  await writeModel(store, datasetId, { key, ...partsOfKey(key), dim, vectors, last_modified_at: new Date() });
}
