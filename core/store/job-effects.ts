/** The removals and moves of jobs without phases, on their records. */
import type { ClientSession } from 'mongodb';
import { FINAL_STATES, type MovedCounts, type RemovedCounts } from '../../contract/job.ts';
import { collectionsOf } from './collections.ts';
import { newestFirst, notEnded } from './jobs.ts';
import type { Store } from './store.ts';

/** Adds to a job's removed counts. Returns whether the job is open. */
export async function addRemoved(
  store: Store,
  jobId: string,
  { samples, vectors }: RemovedCounts,
  session: ClientSession,
): Promise<boolean> {
  const { matchedCount } = await collectionsOf(store).jobs.updateOne(
    { _id: jobId, ...notEnded },
    { $inc: { 'removed.samples': samples, 'removed.vectors': vectors } },
    { session },
  );
  return matchedCount > 0;
}

/** Records how many samples a prune kept, and which sources were absent. Returns whether the job is open. */
export async function setKept(
  store: Store,
  jobId: string,
  { kept, folders }: { kept: number; folders: readonly string[] },
): Promise<boolean> {
  const counts = 'removed.kept';
  const names = 'removed.unreadable_folders';
  const found = { ...(kept > 0 ? { [counts]: kept } : {}), ...(folders.length > 0 ? { [names]: [...folders] } : {}) };
  // An earlier attempt may have found more.
  const lost = { ...(kept > 0 ? {} : { [counts]: true }), ...(folders.length > 0 ? {} : { [names]: true }) };
  const { matchedCount } = await collectionsOf(store).jobs.updateOne(
    { _id: jobId, ...notEnded },
    {
      $inc: { 'removed.samples': 0, 'removed.vectors': 0 },
      $set: found,
      $unset: lost as Record<string, true>,
    },
  );
  return matchedCount > 0;
}

/** How much a job has removed so far. */
export async function removedBy(store: Store, jobId: string): Promise<RemovedCounts> {
  const job = await collectionsOf(store).jobs.findOne({ _id: jobId }, { projection: { removed: 1 } });
  return job?.removed ?? { samples: 0, vectors: 0 };
}

/** Adds to a job's moved counts. Returns whether the job is open. */
export async function addMoved(
  store: Store,
  jobId: string,
  { samples }: MovedCounts,
  session: ClientSession,
): Promise<boolean> {
  const { matchedCount } = await collectionsOf(store).jobs.updateOne(
    { _id: jobId, ...notEnded },
    { $inc: { 'moved.samples': samples } },
    { session },
  );
  return matchedCount > 0;
}

/** Whether a relocate to a folder has moved samples and did not complete. */
export async function hasUnfinishedRelocate(store: Store, datasetId: string, to: string): Promise<boolean> {
  const filter = { dataset_id: datasetId, kind: 'relocate', state: { $in: [...FINAL_STATES] } } as const;
  const latest = await collectionsOf(store).jobs.findOne(
    { ...filter, 'moved.samples': { $gt: 0 }, 'request.to': to },
    { projection: { state: 1 }, sort: newestFirst },
  );
  return latest !== null && latest.state !== 'completed';
}

/** How much a job has moved so far. */
export async function movedBy(store: Store, jobId: string): Promise<MovedCounts> {
  const job = await collectionsOf(store).jobs.findOne({ _id: jobId }, { projection: { moved: 1 } });
  return job?.moved ?? { samples: 0 };
}
