import { UserError } from '../errors.ts';
import { datasetDeletedMeanwhile } from '../store/dataset-errors.ts';
import { sumProgress } from '../store/progress.ts';
import type { Store } from '../store/store.ts';
import { refreshCounts } from './counts.ts';
import { type IndexingResult, recordIndexing } from './record-indexing.ts';

export interface ReconcileRequest {
  jobId: string;
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
 * @throws UserError DatasetNotFound when the dataset was deleted meanwhile.
 * @throws UserError TooManyFailed when every file failed, or a larger share than `maxFailedPercent`.
 */
export async function reconcile(store: Store, request: ReconcileRequest): Promise<IndexingResult> {
  const { jobId, datasetId, source } = request;
  const sums = (await sumProgress(store, jobId)).get('indexing');
  if (sums === undefined || sums.total === 0) {
    const others = sums?.outcomes.ignored ?? 0;
    throw new UserError(
      'SourceEmpty',
      `There is no image in ${source}${others > 0 ? ` (${others.toLocaleString('en-US')} other ${others === 1 ? 'file was' : 'files were'} skipped)` : ''}. Nothing was changed. Is the disk mounted?`,
    );
  }

  // A load that was terminated may have an activity left that still runs, beside the next load.
  const dataset = await store.datasets.findOne({ _id: datasetId }, { projection: { 'phases.indexing.job_id': 1 } });
  if (dataset === null) throw datasetDeletedMeanwhile(datasetId);
  if (dataset.phases?.indexing?.job_id !== jobId)
    throw new UserError('Superseded', `Another load of ${datasetId} has begun; this one marks nothing.`);

  for await (const page of store.pages.find({ job_id: jobId, gone: { $ne: [] } }, { projection: { gone: 1 } })) {
    request.signal.throwIfAborted();
    await store.samples.updateMany(
      { dataset_id: datasetId, seq: { $in: page.gone }, status: { $ne: 'missing' } },
      { $set: { status: 'missing', job_id: jobId, last_modified_at: new Date() } },
    );
    request.onWrite();
  }
  if (!(await refreshCounts(store, datasetId))) throw datasetDeletedMeanwhile(datasetId);
  request.onWrite();

  const { done, failed, total, outcomes } = sums;
  const failures = await recordIndexing(store, { jobId, datasetId }, sums);
  const percent = (failed / total) * 100;
  if (failed === total || percent > request.maxFailedPercent) {
    throw new UserError(
      'TooManyFailed',
      failed === total
        ? `None of the ${total} files in ${source} could be read: ${describe(failures)}.`
        : `${failed} of ${total} files in ${source} could not be read (${percent.toFixed(1)} %, and max_failed_percent is ${request.maxFailedPercent}): ${describe(failures)}.`,
    );
  }
  await store.pages.deleteMany({ job_id: jobId });
  return { outcomes, done, failed, total };
}

const describe = (failures: Record<string, number>) =>
  Object.entries(failures)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ');
