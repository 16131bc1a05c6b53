import type { ClientSession } from 'mongodb';
import type { RemovedCounts } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import type { Store } from '../store/store.ts';

/** Documents removed in one transaction: short enough for a server that has other things to do. */
export const BATCH = 2000;

/**
 * Removes a batch and adds what it held to the job's record, in one transaction: a crash leaves either all of it or nothing,
 * so that the record is exact however often it is repeated. An activity that outlived its job removes nothing any more.
 *
 * @throws UserError Superseded
 */
export async function removeBatch(
  store: Store,
  jobId: string,
  remove: (session: ClientSession) => Promise<RemovedCounts>,
): Promise<void> {
  await store.client.withSession((session) =>
    session.withTransaction(async () => {
      const { samples, vectors } = await remove(session);
      const { matchedCount } = await store.jobs.updateOne(
        { _id: jobId, finished_at: { $exists: false } },
        { $inc: { 'removed.samples': samples, 'removed.vectors': vectors } },
        { session },
      );
      if (matchedCount === 0) throw superseded(jobId);
    }),
  );
}

/**
 * Ends the count of a prune with how many samples it has left, as their files are there again or their sources are not. Each
 * attempt counts them anew: they are still there.
 *
 * @throws UserError Superseded
 */
export async function recordKept(
  store: Store,
  jobId: string,
  { kept, folders }: { kept: number; folders: readonly string[] },
): Promise<void> {
  const found = {
    ...(kept > 0 ? { 'removed.kept': kept } : {}),
    ...(folders.length > 0 ? { 'removed.unreadable_folders': folders } : {}),
  };
  const { matchedCount } = await store.jobs.updateOne(
    { _id: jobId, finished_at: { $exists: false } },
    {
      $inc: { 'removed.samples': 0, 'removed.vectors': 0 },
      ...(kept > 0 ? { $set: found } : { $unset: { 'removed.kept': true, 'removed.unreadable_folders': true } }),
    },
  );
  if (matchedCount === 0) throw superseded(jobId);
}

/** What the job has removed so far. */
export async function removedBy(store: Store, jobId: string): Promise<RemovedCounts> {
  const load = await store.jobs.findOne({ _id: jobId }, { projection: { removed: 1 } });
  return load?.removed ?? { samples: 0, vectors: 0 };
}

const superseded = (jobId: string) => new UserError('Superseded', `Job ${jobId} has ended; nothing more is removed.`);
