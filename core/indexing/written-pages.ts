import type { ClientSession } from 'mongodb';
import { UserError } from '../errors.ts';
import { jobEnded } from '../store/job-errors.ts';
import { touchOpenJob } from '../store/jobs.ts';
import { countPages, type PageSummary, pagesFrom } from '../store/pages.ts';
import { removePageProgress } from '../store/progress.ts';
import { inTransaction, type Store } from '../store/store.ts';

/**
 * The stored pages of a job from the one before `page` on, which a listing goes on behind. An earlier attempt may have
 * written pages without reporting them. A job that was reset to its listing after its pages were indexed and removed
 * lists from the start; its earlier counts are removed.
 *
 * @throws UserError PageGone when the pages before `page` are no longer stored: the job was reset to a point between.
 */
export async function writtenPages(
  store: Store,
  { jobId, runId, page }: { jobId: string; runId?: string | undefined; page: number },
): Promise<PageSummary[]> {
  const written = await pagesFrom(store, jobId, page - 1);
  if (written.length > 0) return written;
  if (page > 0) throw pageGone(jobId, page - 1);
  await inTransaction(store, async (session) => {
    // Another attempt may have written the first page by now. This conflicts with it, or sees its page.
    await requireListing(store, { jobId, runId }, session);
    if ((await countPages(store, jobId, session)) === 0) await removePageProgress(store, jobId, session);
  });
  return [];
}

/**
 * Requires that a run still works on an open job. The transaction then conflicts with the job's end and with a reset.
 * Without a run, no workflow lists, and nothing is required.
 *
 * @throws UserError Superseded
 */
export async function requireListing(
  store: Store,
  { jobId, runId }: { jobId: string; runId?: string | undefined },
  session: ClientSession,
): Promise<void> {
  if (runId === undefined || (await touchOpenJob(store, { jobId, phase: 'indexing', runId }, session))) return;
  throw jobEnded(jobId);
}

/** The failure of work on a page that is no longer stored. */
export const pageGone = (jobId: string, page: number) =>
  new UserError(
    'PageGone',
    `Page ${page} of job ${jobId} is no longer stored: the job had ended its indexing. ` +
      "It can't be resumed half-way; load the folder again.",
  );
