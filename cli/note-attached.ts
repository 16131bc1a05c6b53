import type { StartedJob } from '../client/start.ts';
import type { Output } from './output.ts';

/** Says that a job was there already: its ID alone looks like that of a new one. */
export function noteAttached(job: StartedJob, output: Output): void {
  if (job.attached) output.note(`No new job: ${job.job_id} of ${job.dataset} is already running.`);
}
