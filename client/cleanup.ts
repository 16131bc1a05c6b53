import type { JobState } from '../contract/job.ts';
import { findOldJobs, type OldJob, removeJobs, removeOrphans } from '../core/jobs/cleanup.ts';
import { statusOf } from '../core/jobs/status.ts';
import { openSince } from '../core/store/jobs.ts';
import type { Backends } from './backends.ts';
import { settle } from './read-job.ts';

export interface CleanupFilter {
  /** Jobs that ended before this time. */
  before: Date;
  dataset?: string;
  /** Only jobs that ended in this state, or in one of these. */
  state?: JobState | readonly JobState[];
  /** Also jobs that began before this time and have no end on record, because Temporal does not know their workflow. */
  lost?: boolean;
}

export interface CleanupResult {
  /** Jobs that ended before this time; RFC 3339, UTC. */
  before: string;
  /** The oldest first. */
  jobs: OldJob[];
  /**
   * Jobs as old as that without an end on record, whose workflow Temporal does not know. They are left alone unless they are
   * asked for: another server may know it.
   */
  lost: string[];
}

const ASKED_AT_ONCE = 16;

/** What `cleanup` would remove now. Records of workflows that were terminated are brought to their end first. */
export async function findCleanup(backends: Backends, filter: CleanupFilter): Promise<CleanupResult> {
  const { before, dataset, state } = filter;
  const lost = await settleOld(backends, filter);
  const states = state === undefined ? undefined : ([state].flat() as JobState[]);
  const jobs = await findOldJobs(backends.store, { before, dataset, states });
  return { before: before.toISOString(), jobs, lost };
}

/**
 * Removes the records of jobs that ended before a time, and what belongs to them. Jobs that have not ended stay, and so do
 * datasets, samples and vectors.
 */
export async function cleanup(backends: Backends, filter: CleanupFilter): Promise<CleanupResult> {
  const found = await findCleanup(backends, filter);
  const ids = found.jobs.map(({ job_id }) => job_id);
  await removeJobs(backends.store, ids);
  if (filter.lost) await removeJobs(backends.store, found.lost);
  await removeOrphans(backends.store);
  return found;
}

/** Ends the records of old jobs whose workflows are over; returns the jobs whose workflow Temporal does not know. */
async function settleOld(backends: Backends, { before, dataset }: CleanupFilter): Promise<string[]> {
  const open = await openSince(backends.store, before, dataset);
  const lost: string[] = [];
  for (let at = 0; at < open.length; at += ASKED_AT_ONCE) {
    const settled = await Promise.all(
      open.slice(at, at + ASKED_AT_ONCE).map((load) => settle(backends, statusOf(load, new Date()))),
    );
    lost.push(...settled.filter(({ error }) => error?.code === 'WorkflowLost').map(({ job_id }) => job_id));
  }
  return lost;
}
