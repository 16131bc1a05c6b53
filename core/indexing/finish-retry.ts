import { lacksAny } from '../embedding/lacking.ts';
import { findRecordedModel, findRetryScope } from '../embedding/retry-scope.ts';
import { UserError } from '../errors.ts';
import { sourcesOf } from '../store/datasets.ts';
import { findRequest } from '../store/jobs.ts';
import { removePages } from '../store/pages.ts';
import { countSamples, hasEmbeddingFailure } from '../store/samples.ts';
import { inTransaction, type Store } from '../store/store.ts';
import { refreshCounts } from './counts.ts';
import { type IndexingResult, recordIndexing, sumIndexing } from './indexing-summary.ts';
import { requireListing } from './written-pages.ts';

/** A request to end the indexing phase of a retry. */
export interface FinishRetryRequest {
  jobId: string;
  /** The run of the job's workflow that ends the phase; omitted where no workflow does. */
  runId?: string | undefined;
  datasetId: string;
  /** Called regularly while the dataset is scanned. */
  onScan: () => void;
  signal: AbortSignal;
}

/** The summary of a retry's indexing phase. */
export interface RetryResult extends IndexingResult {
  /**
   * Whether there is anything to embed: a failed sample, the rest of an interrupted embedding, or a newly readable
   * file.
   */
  to_embed: boolean;
}

/**
 * Ends the indexing phase of a retry: refreshes the cached counts and stores the phase's summary. Files that failed
 * again are counted but do not fail the job, because their failure was already known.
 *
 * @throws UserError SourceNotFound when every source of the failed files is absent and there is nothing to embed.
 */
export async function finishRetry(
  store: Store,
  { jobId, runId, datasetId, onScan, signal }: FinishRetryRequest,
): Promise<RetryResult> {
  const sums = await sumIndexing(store, jobId);
  const { done, failed, total, outcomes } = sums;
  await refreshCounts(store, datasetId);
  await recordIndexing(store, { jobId, datasetId }, sums);
  const to_embed = await isToEmbed(store, { jobId, datasetId, indexed: done, onScan, signal });
  if (total === 0 && outcomes.unreadable_folders > 0 && !to_embed) {
    const sources = await sourcesOf(store, datasetId);
    throw new UserError(
      'SourceNotFound',
      `The files that failed are in folders that are not there or empty: see ${sources.join(', ')}. ` +
        'Nothing was changed. Is the disk mounted?',
    );
  }
  await inTransaction(store, async (session) => {
    await requireListing(store, { jobId, runId }, session);
    await removePages(store, [jobId], session);
  });
  return { outcomes, done, failed, total, to_embed };
}

interface IndexedRetry extends FinishRetryRequest {
  /** Files that the retry could read. */
  indexed: number;
}

/**
 * Whether the retry's plan will find anything. The check runs before a worker is available, so it knows the model only
 * by name.
 */
async function isToEmbed(store: Store, { jobId, datasetId, indexed, ...scan }: IndexedRetry): Promise<boolean> {
  const { request } = (await findRequest(store, jobId)) ?? {};
  if (request?.embed === false) return false;
  if (indexed > 0) return true;
  if (await hasEmbeddingFailure(store, datasetId)) return true;
  const model = await findRecordedModel(store, datasetId, String(request?.model));
  if ((await findRetryScope(store, { jobId, datasetId, model })) === 'failed') return false;
  if (model === undefined) return (await countSamples(store, datasetId, 'indexed', 1)) > 0;
  return lacksAny(store, { datasetId, modelKey: model.key, ...scan });
}
