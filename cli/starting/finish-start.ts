import type { PlimsollClient } from '../../client/plimsoll-client.ts';
import type { StartedJob } from '../../client/start.ts';
import { EXIT } from '../exit-code.ts';
import { followToEnd } from '../follow.ts';
import type { WebUi } from '../outcome.ts';
import type { Output } from '../output.ts';

/**
 * Ends every command that starts a job: prints the job's ID and returns, or with `wait` follows the job to its end.
 * Returns the exit code.
 */
export async function finishStart(
  job: StartedJob,
  { wait = false }: { wait?: boolean },
  { client, servers, output }: { client: PlimsollClient; servers: WebUi; output: Output },
): Promise<number> {
  const { job_id, dataset, attached } = job;
  // Without this note, the ID looks like that of a new job.
  if (attached) output.note(`No new job: ${job_id} of ${dataset} is already running.`);
  if (!wait) {
    output.result(job, () => [job_id]);
    return EXIT.ok;
  }
  if (!output.json) process.stdout.write(`${job_id}\n`);
  return followToEnd(client, servers, job_id, output);
}
