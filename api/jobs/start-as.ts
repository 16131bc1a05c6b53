import type { Context } from 'hono';
import type { IfRunning } from '../../client/if-running.ts';
import type { PlimsollClient } from '../../client/plimsoll-client.ts';
import type { StartedJob, StartOptions } from '../../client/start.ts';
import type { ApiEnv } from '../context.ts';

/**
 * A cancel takes until a batch has ended, or 30 s if no worker sees it. This is less than the idle timeout of
 * connections.
 */
export const REPLACED_WITHIN_MS = 100_000;

/** Starts a job as `if_running` says. Replacing a running job waits for its end, so Temporal gets a longer deadline. */
export function startAs(
  c: Context<ApiEnv>,
  { temporal }: Pick<PlimsollClient, 'temporal'>,
  { if_running: ifRunning }: { if_running: IfRunning },
  start: (options: StartOptions) => Promise<StartedJob>,
): Promise<StartedJob> {
  const startId = c.get('claim')?.id;
  if (ifRunning !== 'replace') return start({ ifRunning, startId });
  return temporal.withDeadline(Date.now() + REPLACED_WITHIN_MS, () => start({ ifRunning, startId }));
}

/** Answers 202 with the URL of the job's status. */
export const started = (c: Context<ApiEnv>, job: StartedJob) =>
  c.json(job, 202, { Location: `/api/jobs/${job.job_id}` });
