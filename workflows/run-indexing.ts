import { condition, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { IndexActivities } from '../activities/index-activities.ts';
import { longIndexWork } from './activity-options.ts';
import type { LoadDatasetInput } from './contract.ts';
import type { JobStatus } from './job-status.ts';
import { all, runPool } from './pool.ts';

const { listSource, indexPage, reconcile } = proxyActivities<IndexActivities>(longIndexWork);

/** Pages indexed at a time. */
const PAGES_AT_ONCE = 4;

/** Listing pauses while this many pages wait, so that what it wrote ahead stays small. */
const PAGES_AHEAD = 64;

/** Where a continued run takes up the listing. */
export interface IndexingCursor {
  /** When the first run began, RFC 3339. */
  started_at: string;
  next: number;
  done: number;
  failed: number;
  total: number;
}

/**
 * Lists the source and indexes its pages as they come. Returns the cursor to continue as new with when the history has
 * grown long, or undefined when the phase is complete.
 */
export async function runIndexing(
  input: LoadDatasetInput,
  job: JobStatus,
  cursor: IndexingCursor,
): Promise<IndexingCursor | undefined> {
  const { jobId } = job;
  const { dataset, source } = input;
  const count = { done: cursor.done, failed: cursor.failed, total: cursor.total };
  const waiting: number[] = [];
  let next: number | null = cursor.next;
  let listed = false;
  job.update('indexing', count);

  const list = async () => {
    // At least once a run, so that each gets on.
    do {
      await condition(() => waiting.length < PAGES_AHEAD);
      const slice = await listSource({ load_id: jobId, dataset, source, page: next ?? 0 });
      waiting.push(...slice.pages);
      next = slice.next;
      count.total += slice.total;
      count.done += slice.unchanged;
      job.update('indexing', { ...count, total_known: next === null });
    } while (next !== null && !workflowInfo().continueAsNewSuggested);
    listed = true;
  };
  const takePage = async () => {
    await condition(() => waiting.length > 0 || listed);
    return waiting.shift();
  };
  const index = async (page: number) => {
    const result = await indexPage({ load_id: jobId, dataset, page });
    count.done += result.added + result.changed;
    count.failed += result.failed;
    job.update('indexing', count);
  };
  await all([list, () => runPool(PAGES_AT_ONCE, takePage, index)]);
  if (next !== null) return { started_at: cursor.started_at, next, ...count };

  const result = await reconcile({
    load_id: jobId,
    dataset,
    source,
    max_failed_percent: input.max_failed_percent,
  });
  job.update('indexing', {
    state: 'completed',
    finished_at: new Date(),
    done: result.done,
    failed: result.failed,
    total: result.total,
    outcomes: result.outcomes,
  });
  return undefined;
}
