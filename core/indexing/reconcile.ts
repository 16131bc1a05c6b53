import type { FileOutcomes } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import type { Medium } from '../media/medium.ts';
import { datasetDeletedMeanwhile } from '../store/dataset-errors.ts';
import { indexingJobOf } from '../store/datasets.ts';
import { goneByPage, removePages } from '../store/pages.ts';
import { markFilesMissing } from '../store/samples.ts';
import { inTransaction, type Store } from '../store/store.ts';
import { refreshCounts } from './counts.ts';
import { type IndexingResult, recordIndexing, sumIndexing } from './indexing-summary.ts';
import { requireListing } from './written-pages.ts';

/** A request to end the indexing phase of a job. */
export interface ReconcileRequest {
  jobId: string;
  /** The run of the job's workflow that ends the phase; omitted where no workflow does. */
  runId?: string | undefined;
  datasetId: string;
  source: string;
  maxFailedPercent: number;
  onWrite: () => void;
  signal: AbortSignal;
}

/** Files marked in one write. */
const BATCH = 1000;

/**
 * Ends the indexing phase once the listing is complete and every page is indexed: marks unlisted files as missing,
 * refreshes the cached counts and stores the phase's summary.
 *
 * @throws UserError SourceEmpty when the source holds no sample. Nothing is marked then.
 * @throws UserError DatasetNotFound when the dataset was deleted meanwhile.
 * @throws UserError Superseded when another job has begun to index the dataset.
 * @throws UserError TooManyFailed when every file failed, or a larger share than `maxFailedPercent`.
 */
export async function reconcile(
  store: Store,
  { words }: Pick<Medium, 'words'>,
  request: ReconcileRequest,
): Promise<IndexingResult> {
  const { jobId, datasetId, source } = request;
  const sums = await sumIndexing(store, jobId);
  if (sums.total === 0) throw sourceEmpty(source, words.one, sums.outcomes);

  // An activity of a terminated job may still run beside the next job.
  const owner = await indexingJobOf(store, datasetId);
  if (owner === undefined) throw datasetDeletedMeanwhile(datasetId);
  if (owner.jobId !== jobId)
    throw new UserError('Superseded', `Another job has begun to index ${datasetId}; this one marks nothing.`);

  for await (const gone of goneByPage(store, jobId)) {
    for (let at = 0; at < gone.length; at += BATCH) {
      request.signal.throwIfAborted();
      await markFilesMissing(store, { datasetId, seqs: gone.slice(at, at + BATCH), jobId });
      request.onWrite();
    }
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
        : `${failed} of ${total} files in ${source} could not be read ` +
            `(${percent.toFixed(1)} %, and max_failed_percent is ${request.maxFailedPercent}): ${describe(failures)}.`,
    );
  }
  await inTransaction(store, async (session) => {
    await requireListing(store, request, session);
    await removePages(store, [jobId], session);
  });
  return { outcomes, done, failed, total };
}

function sourceEmpty(source: string, word: string, { ignored, excluded }: FileOutcomes): UserError {
  const skipped = [
    ...(ignored === 0 ? [] : [`${counted(ignored, 'other file')} skipped`]),
    ...(excluded === 0 ? [] : [`${counted(excluded, 'file or folder', 'files or folders')} left out`]),
  ];
  const others = skipped.length === 0 ? '' : ` (${skipped.join(', ')})`;
  const advice = excluded === 0 ? 'Is the disk mounted?' : 'Check include, exclude and hidden.';
  return new UserError('SourceEmpty', `There is no ${word} in ${source}${others}. Nothing was changed. ${advice}`);
}

const counted = (n: number, one: string, many = `${one}s`) =>
  `${n.toLocaleString('en-US')} ${n === 1 ? `${one} was` : `${many} were`}`;

const describe = (failures: Record<string, number>) =>
  Object.entries(failures)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ');
