import type { JobKind, JobState } from '../../contract/job.ts';
import { type EndedJobs, endedBefore, openAmong, removeJobs as removeRecords } from '../store/jobs.ts';
import { jobsWithPages, removePages } from '../store/pages.ts';
import { jobsWithProgress, removeProgress } from '../store/progress.ts';
import { jobsWithStaged, removeStaged } from '../store/staged-annotations.ts';
import type { Store } from '../store/store.ts';

/** A job whose record is due for removal, or removed. */
export interface OldJob {
  job_id: string;
  dataset: string;
  kind: JobKind;
  state: JobState;
  /** RFC 3339, UTC. */
  finished_at: string;
}

/** Jobs that ended before a given time, oldest first. */
export async function findOldJobs(store: Store, old: EndedJobs): Promise<OldJob[]> {
  const jobs = await endedBefore(store, old);
  return jobs.map(({ _id, dataset_id, kind, state, finished_at }) => ({
    job_id: _id,
    dataset: dataset_id,
    kind,
    state,
    finished_at: finished_at?.toISOString() ?? '',
  }));
}

const BATCH = 1000;

/**
 * Removes the records of jobs after their working documents, so an interrupted removal leaves records that can be found
 * again.
 */
export async function removeJobs(store: Store, jobIds: readonly string[]): Promise<void> {
  for (let at = 0; at < jobIds.length; at += BATCH) {
    const ids = jobIds.slice(at, at + BATCH);
    await removeWork(store, ids);
    await removeRecords(store, ids);
  }
}

/** Removes working documents whose job is over or has no record. They were written after the job's end. */
export async function removeOrphans(store: Store): Promise<void> {
  const found = await Promise.all([jobsWithPages(store), jobsWithProgress(store), jobsWithStaged(store)]);
  const ids = [...new Set(found.flat())];
  const open = await openAmong(store, ids);
  await removeWork(
    store,
    ids.filter((id) => !open.has(id)),
  );
}

async function removeWork(store: Store, ids: readonly string[]): Promise<void> {
  await Promise.all([removeProgress(store, ids), removePages(store, ids), removeStaged(store, ids)]);
}
