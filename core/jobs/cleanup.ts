import type { Filter } from 'mongodb';
import type { JobKind, JobState } from '../../contract/job.ts';
import type { JobDocument } from '../store/documents.ts';
import type { Store } from '../store/store.ts';

/** A job whose record is to go, or has gone. */
export interface OldJob {
  job_id: string;
  dataset: string;
  kind: JobKind;
  state: JobState;
  /** RFC 3339, UTC. */
  finished_at: string;
}

export interface OldJobs {
  /** Jobs that ended before this time. */
  before: Date;
  dataset?: string | undefined;
  /** Only those that ended in one of these states. */
  states?: readonly JobState[] | undefined;
}

const filterOf = ({ before, dataset, states }: OldJobs): Filter<JobDocument> => ({
  finished_at: { $lt: before },
  ...(dataset === undefined ? {} : { dataset_id: dataset }),
  ...(states === undefined ? {} : { state: { $in: [...states] } }),
});

const projection = { dataset_id: 1, kind: 1, state: 1, finished_at: 1 } as const;

/** Jobs that ended before a time, the oldest first. */
export async function findOldJobs(store: Store, old: OldJobs): Promise<OldJob[]> {
  const loads = await store.jobs.find(filterOf(old), { projection }).sort({ finished_at: 1, _id: 1 }).toArray();
  return loads.map(({ _id, dataset_id, kind, state, finished_at }) => ({
    job_id: _id,
    dataset: dataset_id,
    kind,
    state,
    finished_at: finished_at?.toISOString() ?? '',
  }));
}

const REMOVED_AT_ONCE = 1000;

/** Removes the records of jobs, and what belongs to them first: what is cut short leaves records to be found again. */
export async function removeJobs(store: Store, jobIds: readonly string[]): Promise<void> {
  for (let at = 0; at < jobIds.length; at += REMOVED_AT_ONCE) {
    const ids = jobIds.slice(at, at + REMOVED_AT_ONCE);
    await removeWork(store, ids);
    await store.jobs.deleteMany({ _id: { $in: ids } });
  }
}

/** Removes working documents whose job is over, or has no record any more: they were written behind its end. */
export async function removeOrphans(store: Store): Promise<void> {
  for (const working of [store.progress, store.pages] as const) {
    const groups = (working as typeof store.progress).aggregate<{ _id: string }>([{ $group: { _id: '$job_id' } }]);
    const ids = (await groups.toArray()).map(({ _id }) => _id);
    const open = { _id: { $in: ids }, finished_at: { $exists: false } };
    const loads = await store.jobs.find(open, { projection: { _id: 1 } }).toArray();
    const underWay = new Set(loads.map(({ _id }) => _id));
    await removeWork(
      store,
      ids.filter((id) => !underWay.has(id)),
    );
  }
}

async function removeWork(store: Store, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const theirs = { job_id: { $in: [...ids] } };
  await Promise.all([store.progress.deleteMany(theirs), store.pages.deleteMany(theirs)]);
}
