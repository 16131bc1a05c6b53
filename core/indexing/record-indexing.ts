import type { FileOutcomes } from '../../contract/job.ts';
import { namedPaths, type PhaseSums } from '../store/progress.ts';
import type { Store } from '../store/store.ts';

export interface IndexingResult {
  outcomes: FileOutcomes;
  done: number;
  failed: number;
  total: number;
}

/** Stores the indexing phase's summary on the load's record. Returns its failures by error code, the most frequent first. */
export async function recordIndexing(
  store: Store,
  { jobId, datasetId }: { jobId: string; datasetId: string },
  { done, failed, total, outcomes }: PhaseSums,
): Promise<Record<string, number>> {
  const failures = await countFailures(store, jobId, datasetId);
  await store.jobs.updateOne(
    { _id: jobId },
    {
      $set: {
        'phases.indexing.done': done,
        'phases.indexing.failed': failed,
        'phases.indexing.total': total,
        'phases.indexing.outcomes': outcomes,
        'phases.indexing.failures': failures,
        'phases.indexing.unreadable_folders': await namedPaths(store, jobId, 'unreadable_folders'),
        'phases.indexing.outside_links': await namedPaths(store, jobId, 'outside_links'),
      },
    },
  );
  return failures;
}

async function countFailures(store: Store, jobId: string, datasetId: string): Promise<Record<string, number>> {
  const rows = await store.samples
    .aggregate<{ _id: string; count: number }>([
      { $match: { dataset_id: datasetId, status: 'failed', job_id: jobId } },
      { $group: { _id: '$error.code', count: { $sum: 1 } } },
      { $sort: { count: -1 } },
    ])
    .toArray();
  return Object.fromEntries(rows.map(({ _id, count }) => [_id, count]));
}
