import { type JobStatus, PHASES, type PhaseName } from '../../contract/job.ts';
import type { JobDocument } from '../store/documents.ts';
import { findJob } from '../store/jobs.ts';
import { type PhaseSums, sumProgress } from '../store/progress.ts';
import type { Store } from '../store/store.ts';
import { statusOf } from './status.ts';

/** The status of a job; undefined if it has no record. Counts of a running phase are summed from its chunks. */
export async function readStatus(store: Store, jobId: string): Promise<JobStatus | undefined> {
  // The counts are read before the record. A job that ends records their sums and then removes them. Read afterwards,
  // they would be missing for a record that was read just before its end.
  const sums = await sumProgress(store, jobId);
  const job = await findJob(store, jobId);
  if (job === undefined) return undefined;
  fillCounts(job, sums);
  return statusOf(job, new Date());
}

/** The status of a job whose record was just read. An unfinished job is read again, with its counts. */
export async function statusNow(store: Store, job: JobDocument): Promise<JobStatus> {
  const status = job.finished_at === undefined ? await readStatus(store, job._id) : undefined;
  return status ?? statusOf(job, new Date());
}

/** Fills the counts of unfinished phases. Changes `job`. */
function fillCounts(job: JobDocument, sums: ReadonlyMap<PhaseName, PhaseSums>): void {
  if (job.finished_at !== undefined) return;
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
}
