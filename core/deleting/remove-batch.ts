import type { ClientSession } from 'mongodb';
import type { RemovedCounts } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import { addRemoved } from '../store/jobs.ts';
import { inTransaction, type Store } from '../store/store.ts';

/** Documents removed in one transaction: short enough for a server that has other things to do. */
export const BATCH = 2000;

/**
 * Removes a batch and adds what it held to the job's record, in one transaction: a crash leaves both or neither, so the record
 * is exact however often it is repeated. An activity that outlived its job removes nothing any more.
 *
 * @throws UserError Superseded
 */
export async function removeBatch(
  store: Store,
  jobId: string,
  remove: (session: ClientSession) => Promise<RemovedCounts>,
): Promise<void> {
  await inTransaction(store, async (session) => {
    if (!(await addRemoved(store, jobId, await remove(session), session))) throw jobHasEnded(jobId);
  });
}

export const jobHasEnded = (jobId: string) =>
  new UserError('Superseded', `Job ${jobId} has ended; nothing more is removed.`);
