import { isOver } from '../../contract/job.ts';
import type { Dataset, Job } from './api/shapes.ts';

/**
 * Estimates the number of samples. The dataset's counts are written when a phase ends, so samples indexed by a running
 * job are added. `next_seq` alone is too high, because numbers are assigned before samples are written.
 */
export function samplesSoFar({ counts, next_seq }: Dataset, job: Job | undefined): number {
  if (job === undefined || isOver(job)) return counts.total;
  const { done, failed } = job.phases.indexing;
  return Math.max(counts.total, Math.min(next_seq, counts.total + done + failed));
}
