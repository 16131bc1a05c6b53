import type { RemovedCounts } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import { servingKey } from '../search/model-to-search.ts';
import { datasetNotThere } from '../store/dataset-errors.ts';
import {
  countDropped,
  type DroppedModel,
  findDataset,
  getDataset,
  markDropping,
  type RecordedModel,
  removeModel,
} from '../store/datasets.ts';
import type { DatasetDocument } from '../store/documents.ts';
import { partsOfKey, removeNextVectors, vectorModels } from '../store/embeddings.ts';
import { removeIndexFiles } from '../store/index-files.ts';
import { removedBy } from '../store/job-effects.ts';
import { findJob, openEmbeddingWith } from '../store/jobs.ts';
import type { Store } from '../store/store.ts';
import { BATCH, removeBatch } from './remove-batch.ts';

/** A model whose vectors can be dropped. */
export interface DroppableModel {
  key: string;
  /** Its name in embeddings of the dataset: a name, a key, or the path of a folder. */
  asked: string;
}

/**
 * Finds the model that is meant by a key, or by a name that has one revision in the dataset, and requires that its
 * vectors can be dropped. The model that serves can't, unless no other model has vectors.
 *
 * @throws UserError DatasetNotFound, ModelNotInDataset, ModelServes; InvalidInput if a name has several revisions
 */
export async function requireDroppable(store: Store, datasetId: string, asked: string): Promise<DroppableModel> {
  const dataset = await getDataset(store, datasetId, datasetNotThere);
  const withVectors = await vectorModels(store, datasetId);
  const key = keyMeant(dataset, [...new Set([...dataset.models.map((model) => model.key), ...withVectors])], asked);
  const serves = servingKey(dataset, withVectors) === key;
  const others = withVectors.filter((other) => other !== key);
  if (serves && others.length > 0) {
    throw new UserError(
      'ModelServes',
      `Searches of ${datasetId} use ${key}. Nothing was changed. Let another model serve them first: ` +
        `plimsoll models use ${datasetId} ${others.length === 1 ? others[0] : 'MODEL'}`,
    );
  }
  return { key, asked: recordOf(dataset, key)?.asked ?? partsOfKey(key).name };
}

function keyMeant(dataset: DatasetDocument, keys: readonly string[], asked: string): string {
  if (keys.includes(asked)) return asked;
  const [key, ...more] = keys.filter(
    (each) => partsOfKey(each).name === asked || recordOf(dataset, each)?.asked === asked,
  );
  if (key === undefined) {
    const known = keys.length === 0 ? 'It has none.' : `It has: ${keys.join(', ')}.`;
    throw new UserError(
      'ModelNotInDataset',
      `${dataset._id} has no vectors of ${asked}. Nothing was changed. ${known}`,
    );
  }
  if (more.length === 0) return key;
  const revisions = [key, ...more].join(', ');
  throw new UserError(
    'InvalidInput',
    `${dataset._id} has several revisions of ${asked}. Name one of them: ${revisions}`,
  );
}

const recordOf = ({ models }: DatasetDocument, key: string): RecordedModel | undefined =>
  models.find((model) => model.key === key);

/**
 * Begins to drop a recorded model: it is not complete any more. A repeated call changes nothing.
 *
 * @throws UserError DatasetNotFound, ModelNotInDataset, ModelServes; AlreadyRunning if a job embeds the dataset with it
 */
export async function beginDrop(store: Store, dropped: DroppedModel): Promise<void> {
  const { datasetId, modelKey } = dropped;
  // An embedding that calls the model otherwise has another Workflow ID.
  const embedding = await openEmbeddingWith(store, datasetId, modelKey);
  if (embedding !== undefined) {
    throw new UserError(
      'AlreadyRunning',
      `Job ${embedding._id} embeds ${datasetId} with ${modelKey}. Nothing was changed. ` +
        `Wait for it or cancel it, then drop the model: plimsoll status ${embedding._id}`,
    );
  }
  const dataset = await getDataset(store, datasetId, datasetNotThere);
  await requireDroppable(store, datasetId, modelKey);
  const embedded = await wasEmbeddedBy(store, dataset, modelKey);
  if (await markDropping(store, dropped, { serving: dataset.serving, embedded })) return;
  throw new Error(`The models of ${datasetId} have changed meanwhile. The next attempt reads them again.`);
}

/** Whether the embedding that a dataset shows was this model's. One without a record may have been. */
async function wasEmbeddedBy(store: Store, { phases }: DatasetDocument, modelKey: string): Promise<boolean> {
  const { embedding } = phases;
  if (embedding === undefined || embedding.state === 'running') return false;
  const job = await findJob(store, embedding.job_id);
  return job === undefined || job.phases.embedding.model_key === modelKey;
}

/** A request to drop a model. */
export interface DropRequest extends DroppedModel {
  /** Called after each batch. */
  onStep: () => void;
  signal: AbortSignal;
}

/**
 * Removes the vectors of a model, and its record last. While the record is there, an interrupted drop can restart.
 * Returns what all attempts of the job have removed.
 *
 * @throws UserError Superseded when the model is no longer this job's to drop.
 */
export async function dropModel(store: Store, request: DropRequest): Promise<RemovedCounts> {
  const { jobId, datasetId, modelKey, onStep, signal } = request;
  const dataset = await findDataset(store, datasetId);
  const isRecorded = dataset !== undefined && recordOf(dataset, modelKey) !== undefined;
  for (let left = isRecorded; left; onStep()) {
    signal.throwIfAborted();
    await removeBatch(store, jobId, async (session) => {
      const vectors = await removeNextVectors(store, { datasetId, modelKey }, BATCH, session);
      left = vectors !== undefined;
      const isOurs =
        vectors === undefined
          ? await removeModel(store, request, session)
          : await countDropped(store, request, vectors, session);
      if (!isOurs) throw superseded(request);
      return { samples: 0, vectors: vectors ?? 0 };
    });
  }
  // A model without a record has no index. An attempt that died here has left the files.
  await removeIndexFiles(store, request);
  return removedBy(store, jobId);
}

const superseded = ({ jobId, datasetId, modelKey }: DroppedModel) =>
  new UserError(
    'Superseded',
    `${modelKey} of ${datasetId} is no longer job ${jobId}'s to drop: an embedding with it has begun, or it serves now. ` +
      'Drop it again if that is still wanted.',
  );
