import { UserError } from '../errors.ts';
import { sumProgress } from '../store/progress.ts';
import type { Store } from '../store/store.ts';
import { refreshCounts } from './counts.ts';
import { type IndexingResult, recordIndexing } from './record-indexing.ts';

export interface ReconcileRequest {
  loadId: string;
  datasetId: string;
  source: string;
  maxFailedPercent: number;
  onWrite: () => void;
  signal: AbortSignal;
}

/**
 * Ends the indexing phase once the listing is complete and every page is indexed: marks what the listing did not see as
 * missing, brings the cached counts up to date and stores the phase's summary.
 *
 * @throws UserError SourceEmpty when the source holds no sample: then nothing is marked.
 * @throws UserError TooManyFailed when every file failed, or a larger share than `maxFailedPercent`.
 */
export async function reconcile(store: Store, request: ReconcileRequest): Promise<IndexingResult> {
  const { loadId, datasetId, source } = request;
  const sums = (await sumProgress(store, loadId)).get('indexing');
  if (sums === undefined || sums.total === 0) {
    const others = sums?.outcomes.ignored ?? 0;
    throw new UserError(
      'SourceEmpty',
      `There is no image in ${source}${others > 0 ? ` (${others.toLocaleString('en-US')} other ${others === 1 ? 'file was' : 'files were'} skipped)` : ''}. Nothing was changed. Is the disk mounted?`,
    );
  }

  // A load that was terminated may have an activity left that still runs, beside the next load.
  const mine = await store.datasets.countDocuments({ _id: datasetId, 'phases.indexing.load_id': loadId });
  if (mine === 0) throw new UserError('Superseded', `Another load of ${datasetId} has begun; this one marks nothing.`);

  for await (const page of store.pages.find({ load_id: loadId, gone: { $ne: [] } }, { projection: { gone: 1 } })) {
    request.signal.throwIfAborted();
    await store.samples.updateMany(
      { dataset_id: datasetId, seq: { $in: page.gone }, status: { $ne: 'missing' } },
      { $set: { status: 'missing', load_id: loadId, last_modified_at: new Date() } },
    );
    request.onWrite();
  }
  await refreshCounts(store, datasetId);
  request.onWrite();

  const { done, failed, total, outcomes } = sums;
  const failures = await recordIndexing(store, { loadId, datasetId }, sums);
  const percent = (failed / total) * 100;
  if (failed === total || percent > request.maxFailedPercent) {
    throw new UserError(
      'TooManyFailed',
      failed === total
        ? `None of the ${total} files in ${source} could be read: ${describe(failures)}.`
        : `${failed} of ${total} files in ${source} could not be read (${percent.toFixed(1)} %, and max_failed_percent is ${request.maxFailedPercent}): ${describe(failures)}.`,
    );
  }
  await store.pages.deleteMany({ load_id: loadId });
  return { outcomes, done, failed, total };
}

const describe = (failures: Record<string, number>) =>
  Object.entries(failures)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ');
