import type { FileOutcomes } from '../../contract/job.ts';
import { setPhaseFields } from '../store/jobs.ts';
import { NO_OUTCOMES, namedPaths, type PhaseSums, sumProgress } from '../store/progress.ts';
import { countIndexingFailures } from '../store/samples.ts';
import type { Store } from '../store/store.ts';

/** The summary of an indexing phase. Counts are of files. */
export interface IndexingResult {
  outcomes: FileOutcomes;
  done: number;
  failed: number;
  total: number;
}

/** Sums the counts of a job's pages. A job without pages has only zeros. */
export async function sumIndexing(store: Store, jobId: string): Promise<PhaseSums> {
  const sums = (await sumProgress(store, jobId)).get('indexing');
  return sums ?? { done: 0, failed: 0, reused: 0, total: 0, outcomes: NO_OUTCOMES };
}

/** Stores the indexing phase's summary on the job's record. Returns its failures by error code, most frequent first. */
export async function recordIndexing(
  store: Store,
  { jobId, datasetId }: { jobId: string; datasetId: string },
  { done, failed, total, outcomes }: PhaseSums,
): Promise<Record<string, number>> {
  const failures = await countIndexingFailures(store, jobId, datasetId);
  await setPhaseFields(store, jobId, 'indexing', {
    done,
    failed,
    total,
    outcomes,
    failures,
    unreadable_folders: await namedPaths(store, jobId, 'unreadable_folders'),
    outside_links: await namedPaths(store, jobId, 'outside_links'),
  });
  return failures;
}
