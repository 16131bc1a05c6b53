import { condition, workflowInfo } from '@temporalio/workflow';
import type { AnnotationPlan } from '../core/annotations/plan.ts';
import type { IndexPageResult } from '../core/indexing/index-page.ts';
import type { IndexingResult } from '../core/indexing/indexing-summary.ts';
import type { ListResult } from '../core/indexing/list-source.ts';
import type { JobTracker } from './job-tracker.ts';
import { createPermit } from './permit.ts';
import { all, runPool } from './pool.ts';

/** Pages indexed at a time. */
const PAGES_AT_ONCE = 4;

/** Listing pauses while this many pages wait, so that what it wrote ahead stays small. */
const PAGES_AHEAD = 64;

/** The position from which a run that continues as new resumes the listing. */
export interface IndexingCursor {
  /** When the first run began, RFC 3339. */
  started_at: string;
  /** Since when the job is paused, RFC 3339. */
  paused_at?: string;
  /** Total length of the phase's pauses that are over. */
  waited_ms?: number;
  /** The page to list next, from 0. */
  next: number;
  done: number;
  failed: number;
  total: number;
  /** What annotations the first run found. */
  annotations?: AnnotationPlan;
}

/** The steps of phase 1, over a whole source or over the files that failed. */
export interface IndexingSteps {
  /** Writes pages of files to index for about a second, starting with this page. */
  list(page: number): Promise<ListResult>;
  index(page: number): Promise<IndexPageResult>;
  /** Work that goes on beside, and is done before the phase ends. */
  beside?(): Promise<void>;
  /** Ends the phase once every page is listed and indexed. */
  finish(): Promise<IndexingResult>;
}

/**
 * Lists pages and indexes them as they come. A pause cancels the activities under way; a resume starts them again.
 * Returns the cursor to continue as new with when the history has grown long, or undefined when the phase is complete.
 */
export async function runIndexing(
  steps: IndexingSteps,
  job: JobTracker,
  cursor: IndexingCursor,
): Promise<IndexingCursor | undefined> {
  const permit = createPermit({ isPaused: job.isPaused });
  const count = { done: cursor.done, failed: cursor.failed, total: cursor.total };
  const waiting: number[] = [];
  let next: number | null = cursor.next;
  let listed = false;
  job.update('indexing', { ...count, waited_ms: cursor.waited_ms ?? 0 });

  const list = async () => {
    // List at least once per run, so that every run makes progress.
    do {
      await condition(() => waiting.length < PAGES_AHEAD);
      const slice = await permit.complete(() => steps.list(next ?? 0));
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
    const result = await permit.complete(() => steps.index(page));
    count.done += result.added + result.changed;
    count.failed += result.failed;
    job.update('indexing', count);
  };
  const beside = async () => {
    if (steps.beside !== undefined) await permit.complete(steps.beside);
  };
  await all([list, () => runPool(PAGES_AT_ONCE, takePage, index), beside]);
  if (next !== null) return { started_at: cursor.started_at, next, ...count };

  const result = await permit.complete(steps.finish);
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
