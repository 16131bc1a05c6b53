import type { PlimsollClient } from '../../client/plimsoll-client.ts';
import { CLOSING_MS } from '../../client/watch-job.ts';
import type { JobStatus } from '../../contract/job.ts';

/**
 * Resolves when the workflow of a job whose record has ended is over too, a moment later: only then can the next job of the
 * dataset be started. It never rejects, and does not wait for long.
 */
export async function workflowEnded({ temporal }: PlimsollClient, { workflow_id, job_id }: JobStatus): Promise<void> {
  const handle = temporal.workflow.getHandle(workflow_id, undefined, { firstExecutionRunId: job_id });
  // A time of its own: that of the request may be over by now, after a long wait for the end of the record.
  await temporal.connection.withDeadline(Date.now() + CLOSING_MS, () => handle.result()).catch(() => undefined);
}
