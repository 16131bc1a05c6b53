import type { ClientSession } from 'mongodb';
import type { RemovedCounts } from '../../contract/job.ts';
import { addRemoved } from '../store/job-effects.ts';
import { jobEnded } from '../store/job-errors.ts';
import { inTransaction, type Store } from '../store/store.ts';

/** Documents removed in one transaction: few enough to keep the server responsive. */
export const BATCH = 2000;

/**
 * Removes a batch and adds its counts to the job's record in one transaction. A crash leaves both or neither, so the
 * counts stay exact through retries. An activity that outlived its job removes nothing.
 *
 * @throws UserError Superseded
 */
export async function removeBatch(
  store: Store,
  jobId: string,
  remove: (session: ClientSession) => Promise<RemovedCounts>,
): Promise<void> {
  await inTransaction(store, async (session) => {
    if (!(await addRemoved(store, jobId, await remove(session), session))) throw jobEnded(jobId);
  });
}
