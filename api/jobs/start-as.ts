import type { Context } from 'hono';
import type { IfRunning } from '../../client/if-running.ts';
import type { PlimsollClient } from '../../client/plimsoll-client.ts';
import type { StartedJob, StartOptions } from '../../client/start.ts';
import type { ApiEnv } from '../context.ts';

/** A cancel that no worker hears takes 30 s; one that is heard, until a batch has come to its end. Less than what cuts an idle connection. */
const REPLACED_WITHIN_MS = 100_000;

/** Starts a job as its caller's `if_running` says. One that takes another's place awaits that one's end first, so it may ask Temporal for longer. */
export function startAs(
  { temporal }: Pick<PlimsollClient, 'temporal'>,
  { if_running: ifRunning }: { if_running: IfRunning },
  start: (options: StartOptions) => Promise<StartedJob>,
): Promise<StartedJob> {
  if (ifRunning !== 'replace') return start({ ifRunning });
  return temporal.withDeadline(Date.now() + REPLACED_WITHIN_MS, () => start({ ifRunning }));
}

/** 202, and where to ask about the job. */
export const started = (c: Context<ApiEnv>, job: StartedJob) =>
  c.json(job, 202, { Location: `/api/jobs/${job.job_id}` });
