import { isOver } from '../../contract/job.ts';
import type { Dataset, Job } from './api/shapes.ts';
import { isDocuments } from './medium.ts';

/**
 * Number of samples. The dataset's counts are written when a phase ends, so what a running job has indexed is added.
 * Files hold any number of chunks, so of documents all numbers that were assigned count.
 *
 * @param holes how many numbers had no sample before the job
 */
export function samplesSoFar(dataset: Dataset, job: Job | undefined, holes = 0): number {
  const { counts, next_seq, media_type } = dataset;
  if (job === undefined || !isIndexing(job)) return counts.total;
  const { done, failed } = job.phases.indexing;
  const assigned = next_seq - holes;
  return Math.max(counts.total, isDocuments(media_type) ? assigned : Math.min(assigned, counts.total + done + failed));
}

/**
 * Number of places in the grid: one for each sample, and one for each number that has none. Numbers are assigned before
 * their samples are written, so those of a running job count once it has indexed as many.
 */
export function placesSoFar(dataset: Dataset, job: Job | undefined, holes: number): number {
  if (job === undefined || !isIndexing(job)) return dataset.next_seq;
  return Math.min(dataset.next_seq, samplesSoFar(dataset, job, holes) + holes);
}

function isIndexing(job: Job): boolean {
  const { started_at, finished_at } = job.phases.indexing;
  return !isOver(job) && started_at !== null && finished_at === null;
}
