import { isSameModel } from '../../contract/built-in-model.ts';
import type { JobKind } from '../../contract/job.ts';
import { type RecordedModel as AnyModel, modelsOf } from '../store/datasets.ts';
import { retryScopeOf, wasBrokenOffSince } from '../store/jobs.ts';
import type { Store } from '../store/store.ts';

/**
 * The samples that a retry embeds. `failed`: samples that failed to embed, and samples that the retry indexed.
 * `lacking`: every sample without a vector of its model.
 */
export type RetryScope = 'failed' | 'lacking';

/** A request for the scope of a retry. */
export interface ScopeRequest {
  /** The retry's ID. */
  jobId: string;
  datasetId: string;
  /** The dataset's record of the model, if the model has ever embedded it to the end. */
  model: RecordedModel | undefined;
}

/** A model that has embedded its dataset to the end. */
export type RecordedModel = AnyModel & { completed_at: Date };

/**
 * Chooses what a retry embeds. An interrupted embedding has failed as a whole, including the samples that it never
 * reached. The retry therefore takes every lacking sample in two cases: its model has never embedded the dataset to the
 * end, or an embedding job with any model was interrupted since the model last did. The second case is known only while
 * that job's record is kept.
 */
export async function findRetryScope(store: Store, { jobId, datasetId, model }: ScopeRequest): Promise<RetryScope> {
  if (model === undefined) return 'lacking';
  const since = model.completed_at;
  const brokenOff = await wasBrokenOffSince(store, { datasetId, kinds: EMBEDDING_KINDS, since, except: jobId });
  return brokenOff ? 'lacking' : 'failed';
}

const EMBEDDING_KINDS: JobKind[] = ['load', 'retry', 'embed'];

/**
 * The dataset's record of a model that has embedded it to the end. A name selects the most recently completed revision.
 */
export async function findRecordedModel(
  store: Store,
  datasetId: string,
  nameOrKey: string,
): Promise<RecordedModel | undefined> {
  const isNamed = ({ key, name }: RecordedModel) => key === nameOrKey || isSameModel(name, nameOrKey);
  return (await completedModels(store, datasetId)).findLast(isNamed);
}

/** The models that have embedded a dataset to the end, the latest last. */
export async function completedModels(store: Store, datasetId: string): Promise<RecordedModel[]> {
  return (await modelsOf(store, datasetId))
    .filter((model): model is RecordedModel => model.completed_at !== undefined)
    .sort((a, b) => a.completed_at.getTime() - b.completed_at.getTime());
}

/** The scope that a retry's plan recorded. All chunks must use the same scope. */
export async function readRetryScope(store: Store, jobId: string): Promise<RetryScope> {
  return (await retryScopeOf(store, jobId)) ?? 'failed';
}
