import { isOver } from '../../contract/job.ts';
import type { Dataset, Job } from './api/shapes.ts';

/**
 * How many samples there are. Counts are written at the turns of a job; while it runs, what it has indexed is added. Numbers are
 * given out ahead of that, so `next_seq` alone promises too many.
 */
export function samplesSoFar({ counts, next_seq }: Dataset, job: Job | undefined): number {
  if (job === undefined || isOver(job)) return counts.total;
  const { done, failed } = job.phases.indexing;
  return Math.max(counts.total, Math.min(next_seq, counts.total + done + failed));
}
