import type { FileOutcomes } from '../../contract/job.ts';
import { lackingSamples } from '../embedding/lacking.ts';
import { findRecordedModel, findRetryScope } from '../embedding/retry-scope.ts';
import { UserError } from '../errors.ts';
import { sumProgress } from '../store/progress.ts';
import type { Store } from '../store/store.ts';
import { refreshCounts } from './counts.ts';
import { type IndexingResult, recordIndexing } from './record-indexing.ts';

export interface RetryResult extends IndexingResult {
  /** Whether there is anything to embed: a failure, what an embedding that was broken off has left, or a file that could be read now. */
  to_embed: boolean;
}

const NOTHING: FileOutcomes = {
  added: 0,
  changed: 0,
  unchanged: 0,
  missing: 0,
  failed: 0,
  ignored: 0,
  unreadable_folders: 0,
  outside_links: 0,
};

/**
 * Ends the indexing phase of a retry: brings the cached counts up to date and stores the phase's summary. Files that failed
 * again are told and do not fail the job: that they fail was known.
 *
 * @throws UserError SourceNotFound when no source of what failed is there, and nothing is to be embedded.
 */
export async function finishRetry(
  store: Store,
  { jobId, datasetId }: { jobId: string; datasetId: string },
): Promise<RetryResult> {
  const sums = (await sumProgress(store, jobId)).get('indexing');
  const { done, failed, total, outcomes } = sums ?? { done: 0, failed: 0, total: 0, outcomes: NOTHING };
  await refreshCounts(store, datasetId);
  await recordIndexing(store, { jobId, datasetId }, { done, failed, total, outcomes });
  const to_embed = await isToEmbed(store, { jobId, datasetId, indexed: done });
  if (total === 0 && outcomes.unreadable_folders > 0 && !to_embed) {
    const { sources = [] } = (await store.datasets.findOne({ _id: datasetId }, { projection: { sources: 1 } })) ?? {};
    throw new UserError(
      'SourceNotFound',
      `The files that failed are in folders that are not there or empty: see ${sources.join(', ')}. Nothing was changed. Is the disk mounted?`,
    );
  }
  await store.pages.deleteMany({ job_id: jobId });
  return { outcomes, done, failed, total, to_embed };
}

interface IndexedRetry {
  jobId: string;
  datasetId: string;
  /** Files that the retry could read. */
  indexed: number;
}

/** Whether the retry's plan will find something: asked before a worker is waited for, so by the model's name alone. */
async function isToEmbed(store: Store, { jobId, datasetId, indexed }: IndexedRetry): Promise<boolean> {
  const { request } = (await store.jobs.findOne({ _id: jobId }, { projection: { request: 1 } })) ?? {};
  if (request?.embed === false) return false;
  if (indexed > 0) return true;
  const ofDataset = { dataset_id: datasetId, status: 'indexed' as const };
  const couldNotBe = { ...ofDataset, error: { $exists: true }, 'error.stage': 'embedding' as const };
  if ((await store.samples.countDocuments(couldNotBe, { limit: 1 })) > 0) return true;
  const model = await findRecordedModel(store, datasetId, String(request?.model));
  if ((await findRetryScope(store, { jobId, datasetId, model })) === 'failed') return false;
  if (model === undefined) return (await store.samples.countDocuments(ofDataset, { limit: 1 })) > 0;
  return lacksAny(store, datasetId, model.key);
}

async function lacksAny(store: Store, datasetId: string, modelKey: string): Promise<boolean> {
  const range = { datasetId, modelKey, from: 0, to: Number.MAX_SAFE_INTEGER };
  const { signal } = new AbortController();
  for await (const _ of lackingSamples(store, { ...range, onScan: () => undefined, signal })) return true;
  return false;
}
