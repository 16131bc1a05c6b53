import { indexes, type JobKind } from '../../contract/job.ts';
import type { JobDocument } from '../store/documents.ts';
import { jobEnded } from '../store/job-errors.ts';
import { findJob, noteRun, reopenJob } from '../store/jobs.ts';
import { removePages } from '../store/pages.ts';
import { removeProgress } from '../store/progress.ts';
import { removeStaged } from '../store/staged-annotations.ts';
import { inTransaction, type Store } from '../store/store.ts';
import { firstPhases } from './begin.ts';

/** A run of a job's workflow. A job has another run when it continues as new, and when it is reset. */
export interface JobRun {
  jobId: string;
  kind: JobKind;
  embeds: boolean;
  runId: string;
  /** True if the run goes on where an earlier one stopped. */
  continued: boolean;
  /** True if Temporal says that this run is the current one. */
  takesOver?: boolean;
}

/**
 * Notes which run works on a job that has a record. A run that begins a job which another run has begun was reset: the
 * job's record is opened again, and its pages and counts are removed, in one transaction. What the earlier run wrote
 * into the dataset stays. Pages and counts carry marks of their own, so a late attempt of the earlier run changes none.
 * Returns false if another run works on the job and this one does not take over.
 *
 * @throws UserError Superseded when the run was reset to a point within a job that has ended.
 */
export async function beginRun(
  store: Store,
  { jobId, kind, embeds, runId, continued, takesOver = false }: JobRun,
): Promise<boolean> {
  const job = await findJob(store, jobId);
  if (job === undefined || job.run_id === runId) return true;
  if (job.run_id === undefined && job.finished_at === undefined) return noteRun(store, jobId, runId);
  if (!takesOver) return false;
  if (continued) {
    if (!(await noteRun(store, jobId, runId))) throw jobEnded(jobId);
  } else {
    await inTransaction(store, async (session) => {
      await reopenJob(store, jobId, { runId, phases: firstPhases(kind, embeds) }, session);
      // The pages of other jobs say what they have begun to remove.
      if (indexes(kind)) await removePages(store, [jobId], session);
      await removeProgress(store, [jobId], session);
    });
    await removeStaged(store, [jobId]);
  }
  return true;
}

/**
 * Whether a run is the one that works on an open job; one that takes over becomes it.
 *
 * @throws UserError Superseded when the job has ended.
 */
export async function goOnWithRun(
  store: Store,
  jobId: string,
  runId: string,
  { takesOver = false } = {},
): Promise<boolean> {
  const job = await requireOpenJob(store, jobId);
  if (job.run_id === runId) return true;
  if (!takesOver) return false;
  if (!(await noteRun(store, jobId, runId))) throw jobEnded(jobId);
  return true;
}

/** The record of an open job. @throws UserError Superseded when the job has ended or its record was removed. */
export async function requireOpenJob(store: Store, jobId: string): Promise<JobDocument> {
  const job = await findJob(store, jobId);
  if (job === undefined || job.finished_at !== undefined) throw jobEnded(jobId);
  return job;
}

/** Whether no other run works on the job. */
export async function isRunOf(store: Store, jobId: string, runId: string): Promise<boolean> {
  const noted = (await findJob(store, jobId))?.run_id;
  return noted === undefined || noted === runId;
}
