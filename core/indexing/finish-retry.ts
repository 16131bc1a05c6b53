import { UserError } from '../errors.ts';
import { sumProgress } from '../store/progress.ts';
import type { Store } from '../store/store.ts';
import { refreshCounts } from './counts.ts';
import { type IndexingResult, recordIndexing } from './record-indexing.ts';

export interface RetryResult extends IndexingResult {
  /** Whether there is anything to embed: an earlier failure, or a file that could be read now. */
  to_embed: boolean;
}

const NOTHING = { added: 0, changed: 0, unchanged: 0, missing: 0, failed: 0, ignored: 0, unreadable_folders: 0 };

/**
 * Ends the indexing phase of a retry: brings the cached counts up to date and stores the phase's summary. Files that failed
 * again are told and do not fail the job: that they fail was known.
 *
 * @throws UserError SourceNotFound when there was work, and no source of it is there.
 */
export async function finishRetry(
  store: Store,
  { loadId, datasetId }: { loadId: string; datasetId: string },
): Promise<RetryResult> {
  const sums = (await sumProgress(store, loadId)).get('indexing');
  const { done, failed, total, outcomes } = sums ?? { done: 0, failed: 0, total: 0, outcomes: NOTHING };
  await refreshCounts(store, datasetId);
  await recordIndexing(store, { loadId, datasetId }, { done, failed, total, outcomes });
  if (total === 0 && outcomes.unreadable_folders > 0) {
    const { sources = [] } = (await store.datasets.findOne({ _id: datasetId }, { projection: { sources: 1 } })) ?? {};
    throw new UserError(
      'SourceNotFound',
      `The files that failed are in folders that are not there or empty: see ${sources.join(', ')}. Nothing was changed. If they are on a mounted disk, see whether it is mounted.`,
    );
  }
  await store.pages.deleteMany({ load_id: loadId });
  const failedToEmbed = await store.samples.countDocuments(
    { dataset_id: datasetId, status: 'indexed', error: { $exists: true }, 'error.stage': 'embedding' },
    { limit: 1 },
  );
  return { outcomes, done, failed, total, to_embed: done > 0 || failedToEmbed > 0 };
}
