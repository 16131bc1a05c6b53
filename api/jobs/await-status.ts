import { mayBeClosing } from '../../client/watch-job.ts';
import { isOver, type JobStatus } from '../../contract/job.ts';
import type { ApiContext } from '../context.ts';
import { workflowEnded } from './workflow-ended.ts';

/**
 * Waits until a job's status matches, and returns it, or the latest status on timeout. @throws UserError JobNotFound
 */
export async function awaitStatus(
  { backends, changes }: ApiContext,
  reference: string,
  { reached, timeoutMs, signal }: { reached(status: JobStatus): boolean; timeoutMs: number; signal: AbortSignal },
): Promise<JobStatus> {
  const { client } = backends;
  let latest = await client.status(reference);
  if (reached(latest) || timeoutMs === 0) {
    if (timeoutMs > 0 && mayBeClosing(latest)) await workflowEnded(client, latest);
    return latest;
  }
  const over = Promise.withResolvers<void>();
  const { job_id } = latest;
  const look = (status: JobStatus) => {
    if (status.job_id !== job_id) return;
    latest = status;
    if (reached(status)) over.resolve();
  };
  const stop = changes.listen((change) => {
    if (change.kind === 'job') look(change.status);
  });
  const timer = setTimeout(over.resolve, timeoutMs);
  signal.addEventListener('abort', () => over.resolve(), { once: true });
  try {
    // Read again what may have changed between the first reading and the listening.
    look(await client.status(job_id));
    await over.promise;
    if (isOver(latest)) await workflowEnded(client, latest);
    return latest;
  } finally {
    clearTimeout(timer);
    stop();
  }
}
