import { type JobStatus, PHASES } from '../../contract/job.ts';
import type { JobDocument } from '../store/documents.ts';
import { findJob } from '../store/jobs.ts';
import { sumProgress } from '../store/progress.ts';
import type { Store } from '../store/store.ts';
import { statusOf } from './status.ts';

/** The status of a job; undefined if it has no record. Counts of a running phase are summed from its chunks. */
export async function readStatus(store: Store, jobId: string): Promise<JobStatus | undefined> {
  const job = await findJob(store, jobId);
  if (job === undefined) return undefined;
  return statusOf(await withLiveCounts(store, job), new Date());
}

/** Fills the counts of unfinished phases from their chunks. Changes and returns `job`. */
export async function withLiveCounts(store: Store, job: JobDocument): Promise<JobDocument> {
  if (job.finished_at !== undefined) return job;
  const sums = await sumProgress(store, job._id);
  for (const name of PHASES) {
    const phase = job.phases[name];
    const sum = sums.get(name);
    if (sum === undefined || phase.finished_at !== undefined) continue;
    phase.done = sum.done;
    phase.failed = sum.failed;
    phase.total = Math.max(phase.total, sum.total);
    if (name === 'indexing') phase.outcomes = sum.outcomes;
    else phase.reused = sum.reused;
  }
  return job;
}
