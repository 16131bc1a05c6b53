import type { JobState } from '../contract/job.ts';
import { findOldJobs, type OldJob, removeJobs, removeOrphans } from '../core/jobs/cleanup.ts';
import { statusOf } from '../core/jobs/status.ts';
import { openSince } from '../core/store/jobs.ts';
import { askAll } from '../temporal/jobs.ts';
import type { Backends } from './backends.ts';
import { settle } from './read-job.ts';

export interface CleanupFilter {
  /** Jobs that ended before this time. */
  before: Date;
  dataset?: string;
  /** Only jobs that ended in this state, or in one of these. */
  state?: JobState | readonly JobState[];
  /** Also lost jobs: they began before this time, have no end on record, and Temporal does not know their workflow. */
  lost?: boolean;
}

export interface CleanupResult {
  /** Jobs that ended before this time; RFC 3339, UTC. */
  before: string;
  /** Oldest first. */
  jobs: OldJob[];
  /**
   * IDs of lost jobs: they began before this time, have no end on record, and Temporal does not know their workflow.
   * They stay unless the filter asks for them, because another server may know the workflow.
   */
  lost: string[];
}

/** Previews what `cleanup` would remove now. It first ends the records of workflows that were terminated. */
export async function findCleanup(backends: Backends, filter: CleanupFilter): Promise<CleanupResult> {
  const { before, dataset, state } = filter;
  const lost = await settleOld(backends, filter);
  const states = state === undefined ? undefined : ([state].flat() as JobState[]);
  const jobs = await findOldJobs(backends.store, { before, dataset, states });
  return { before: before.toISOString(), jobs, lost };
}

/**
 * Removes the records of jobs that ended before a time, and what belongs to them. Jobs that have not ended stay.
 * Datasets, samples and vectors stay, too.
 */
export async function cleanup(backends: Backends, filter: CleanupFilter): Promise<CleanupResult> {
  const found = await findCleanup(backends, filter);
  const ids = found.jobs.map(({ job_id }) => job_id);
  await removeJobs(backends.store, ids);
  if (filter.lost) await removeJobs(backends.store, found.lost);
  await removeOrphans(backends.store);
  return found;
}

/** Ends the records of old jobs whose workflows are over. Returns the IDs of lost jobs. */
async function settleOld(backends: Backends, { before, dataset }: CleanupFilter): Promise<string[]> {
  const open = await openSince(backends.store, before, dataset);
  const settled = await askAll(open, (job) => settle(backends, statusOf(job, new Date())));
  return settled.filter(({ error }) => error?.code === 'WorkflowLost').map(({ job_id }) => job_id);
}
