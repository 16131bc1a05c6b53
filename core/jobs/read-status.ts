import type { JobStatus } from '../../contract/job.ts';
import type { JobDocument } from '../store/documents.ts';
import { sumProgress } from '../store/progress.ts';
import type { Store } from '../store/store.ts';
import { statusOf } from './status.ts';

/** The status of a load that has a record, or undefined. Counts of a phase that is under way are summed from its chunks. */
export async function readStatus(store: Store, jobId: string): Promise<JobStatus | undefined> {
  const load = await store.jobs.findOne({ _id: jobId });
  if (load === null) return undefined;
  return statusOf(await withLiveCounts(store, load), new Date());
}

export async function withLiveCounts(store: Store, load: JobDocument): Promise<JobDocument> {
  if (load.finished_at !== undefined) return load;
  const sums = await sumProgress(store, load._id);
  for (const name of ['indexing', 'embedding'] as const) {
    const phase = load.phases[name];
    const sum = sums.get(name);
    if (sum === undefined || phase.finished_at !== undefined) continue;
    phase.done = sum.done;
    phase.failed = sum.failed;
    phase.total = Math.max(phase.total, sum.total);
    if (name === 'indexing') phase.outcomes = sum.outcomes;
  }
  return load;
}
