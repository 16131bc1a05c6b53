import type { PlimsollClient } from '../client/plimsoll-client.ts';
import { UserError } from '../core/errors.ts';

/** The ID of the job that started last. @throws UserError JobNotFound */
export async function latestJob(client: PlimsollClient): Promise<string> {
  const { jobs } = await client.jobs({ limit: 1 });
  if (jobs[0] === undefined) throw new UserError('JobNotFound', 'There is no job yet. Start one: plimsoll load FOLDER');
  return jobs[0].job_id;
}
