import { UserError } from '../errors.ts';
import { datasetBeingDeleted } from '../store/dataset-errors.ts';
import { getDataset, keepModel, setServing } from '../store/datasets.ts';
import type { DatasetDocument, PublishedIndexDocument } from '../store/documents.ts';
import { countSampleVectors, countVectors, dimensionOf, partsOfKey, vectorModels } from '../store/embeddings.ts';
import { findJob } from '../store/jobs.ts';
import { countSamples, seqsNotIndexed } from '../store/samples.ts';
import type { Store } from '../store/store.ts';
import { modelToSearch, servingKey } from './model-to-search.ts';

/** A model with vectors in a dataset, or whose vectors were all removed with their samples. */
export interface DatasetModel {
  key: string;
  name: string;
  revision: string;
  /** The number of elements of a vector. */
  dim: number;
  /** Its vectors now, of samples in any status. */
  vectors: number;
  /** The indexed samples that have a vector of it. */
  embedded: number;
  /** Whether a search uses it if it names no model. */
  serves: boolean;
  /** When it last embedded the dataset to the end. Undefined if it never has, or is dropped. */
  completedAt: Date | undefined;
  /** The published index of its vectors, if there is one. */
  index: PublishedIndexDocument | undefined;
  /** Its name in the request of the job that completed it last. */
  asked: string | undefined;
  /** The job that drops it. Undefined if none does. */
  droppedBy: string | undefined;
}

/** The models of a dataset. */
export interface DatasetModels {
  /** The name of the samples' medium. */
  mediaType: string;
  /** The indexed samples of the dataset now. */
  indexed: number;
  /** In the order in which they were first seen complete; models that are not complete come last. */
  models: DatasetModel[];
}

/** Lists the models of a dataset, counted now. @throws UserError DatasetNotFound */
export async function listDatasetModels(store: Store, datasetId: string): Promise<DatasetModels> {
  const dataset = await getDataset(store, datasetId);
  const withVectors = await vectorModels(store, datasetId);
  const keys = [...new Set([...dataset.models.map(({ key }) => key), ...withVectors])];
  const serving = servingKey(dataset, withVectors);
  const [indexed, others] = await Promise.all([
    countSamples(store, datasetId, 'indexed'),
    countVectorsOfOthers(store, datasetId, keys),
  ]);
  const models = await Promise.all(
    keys.map(async (key): Promise<DatasetModel> => {
      const set = { datasetId, modelKey: key };
      const recorded = dataset.models.find((model) => model.key === key);
      const vectors = await countVectors(store, set);
      return {
        key,
        ...partsOfKey(key),
        dim: recorded?.dim ?? (await dimensionOf(store, set)) ?? 0,
        vectors,
        embedded: Math.max(0, vectors - (others.get(key) ?? 0)),
        serves: key === serving,
        completedAt: recorded?.completed_at,
        index: recorded?.index,
        asked: recorded?.asked,
        droppedBy: await runningDrop(store, dataset, key),
      };
    }),
  );
  return { mediaType: dataset.media_type, indexed, models: models.sort((a, b) => timeOf(a) - timeOf(b)) };
}

const timeOf = ({ completedAt }: DatasetModel) => completedAt?.getTime() ?? Number.MAX_SAFE_INTEGER;

/** Samples whose vectors are counted in one query. */
const BATCH = 2000;

/** Counts the vectors of samples that are missing or can't be read, by model. Such samples are few. */
async function countVectorsOfOthers(
  store: Store,
  datasetId: string,
  keys: readonly string[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const seqs of seqsNotIndexed(store, datasetId, BATCH)) {
    for (const key of keys) {
      const vectors = await countSampleVectors(store, { datasetId, models: [key], seqs });
      counts.set(key, (counts.get(key) ?? 0) + vectors);
    }
  }
  return counts;
}

/** A change of the model that serves a dataset. */
export interface UsedModel extends DatasetModels {
  /** The model that serves now. */
  used: DatasetModel;
  /** The key of the model that served before; undefined if none did. */
  before: string | undefined;
}

/**
 * Lets a model serve the searches of a dataset. A name means its revision that was completed last.
 *
 * @throws UserError DatasetNotFound, DatasetBeingDeleted, NoVectors, ModelNotInDataset; AlreadyRunning if a job drops it
 */
export async function useModel(store: Store, datasetId: string, asked: string): Promise<UsedModel> {
  const dataset = await getDataset(store, datasetId);
  if (dataset.deleting !== undefined) throw datasetBeingDeleted(datasetId, dataset.deleting.job_id);
  const { key } = await modelToSearch(store, dataset, asked);
  const before = servingKey(dataset, await vectorModels(store, datasetId));
  const running = await runningDrop(store, dataset, key);
  if (running !== undefined) throw beingDropped(datasetId, key, running);
  const droppedBy = markOf(dataset, key);
  if (!(await setServing(store, { datasetId, modelKey: key, droppedBy }))) throw beingDropped(datasetId, key);
  await keepModel(store, datasetId, key);
  const now = await listDatasetModels(store, datasetId);
  const used = now.models.find((model) => model.key === key);
  if (used === undefined) throw beingDropped(datasetId, key);
  return { ...now, used, before };
}

const beingDropped = (datasetId: string, key: string, jobId?: string) =>
  new UserError(
    'AlreadyRunning',
    `The vectors of ${key} in ${datasetId} are being dropped${jobId === undefined ? '' : ` by job ${jobId}`}. ` +
      'Cancel that job first, or embed the dataset with the model again once it has ended.',
  );

const markOf = ({ models }: DatasetDocument, modelKey: string) =>
  models.find(({ key }) => key === modelKey)?.dropping?.job_id;

/** The job that drops a model. A job that ended before it had removed all vectors drops it no longer. */
async function runningDrop(store: Store, dataset: DatasetDocument, modelKey: string): Promise<string | undefined> {
  const jobId = markOf(dataset, modelKey);
  if (jobId === undefined) return undefined;
  const job = await findJob(store, jobId);
  return job === undefined || job.finished_at !== undefined ? undefined : jobId;
}
