/** The activities that Temporal retries, on the records of their jobs. */
import { collectionsOf } from './collections.ts';
import type { RetryingDocument } from './documents.ts';
import { notEnded } from './jobs.ts';
import type { Store } from './store.ts';

/** Which activity of which job, and how long the write may take. */
export interface RetriedActivity {
  jobId: string;
  /** A path of one name in the document. */
  key: string;
  timeoutMS: number;
}

/**
 * Records that an activity of an open job is retried. Returns since when: the earliest time that was recorded of it.
 */
export async function noteRetrying(
  store: Store,
  { jobId, key, timeoutMS }: RetriedActivity,
  { activity, attempt, since, error }: RetryingDocument,
): Promise<Date | undefined> {
  const path = `retrying.${key}`;
  const job = await collectionsOf(store).jobs.findOneAndUpdate(
    { _id: jobId, ...notEnded },
    {
      $set: { [`${path}.activity`]: activity, [`${path}.attempt`]: attempt, [`${path}.error`]: error },
      $min: { [`${path}.since`]: since },
    },
    { projection: { [path]: 1 }, returnDocument: 'after', timeoutMS },
  );
  return job?.retrying?.[key]?.since;
}

/** Records that an activity is no longer retried. */
export async function clearRetrying(store: Store, { jobId, key, timeoutMS }: RetriedActivity): Promise<void> {
  await collectionsOf(store).jobs.updateOne({ _id: jobId }, { $unset: { [`retrying.${key}`]: true } }, { timeoutMS });
}
