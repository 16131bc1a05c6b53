import type { JobKind } from '../../contract/job.ts';
import { type RecordedModel as AnyModel, modelsOf } from '../store/datasets.ts';
import { retryScopeOf, wasBrokenOffSince } from '../store/jobs.ts';
import type { Store } from '../store/store.ts';

/**
 * What a retry embeds: `failed`, the samples that could not be embedded and those that it has just indexed; or `lacking`, every
 * sample without a vector of its model.
 */
export type RetryScope = 'failed' | 'lacking';

export interface ScopeRequest {
  /** The retry. */
  jobId: string;
  datasetId: string;
  /** What its model has done for the dataset, if it has ever come to an end. */
  model: RecordedModel | undefined;
}

export type RecordedModel = AnyModel & { completed_at: Date };

/**
 * An embedding that did not come to its end has failed as a whole, with the samples that it never came to. So a retry takes all
 * that lacks a vector where its model has never embedded the dataset to the end, and where a job that was to embed it, with
 * whichever model, has been broken off since the model last did. That is known for as long as the job's record is kept.
 */
export async function findRetryScope(store: Store, { jobId, datasetId, model }: ScopeRequest): Promise<RetryScope> {
  if (model === undefined) return 'lacking';
  const since = model.completed_at;
  const brokenOff = await wasBrokenOffSince(store, { datasetId, kinds: EMBEDDING_KINDS, since, except: jobId });
  return brokenOff ? 'lacking' : 'failed';
}

const EMBEDDING_KINDS: JobKind[] = ['load', 'retry', 'embed'];

/** What a model has done for a dataset that it has embedded to the end; a name means the revision that did so last. */
export async function findRecordedModel(
  store: Store,
  datasetId: string,
  nameOrKey: string,
): Promise<RecordedModel | undefined> {
  return (await modelsOf(store, datasetId))
    .filter((model): model is RecordedModel => model.completed_at !== undefined)
    .filter(({ key, name }) => key === nameOrKey || name === nameOrKey)
    .sort((a, b) => a.completed_at.getTime() - b.completed_at.getTime())
    .at(-1);
}

/** The scope that a retry's plan has noted: it must not change between chunks. */
export async function readRetryScope(store: Store, jobId: string): Promise<RetryScope> {
  return (await retryScopeOf(store, jobId)) ?? 'failed';
}
