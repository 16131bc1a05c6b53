import type { PlimsollClient } from '../../client/plimsoll-client.ts';
import { CLOSING_MS } from '../../client/watch-job.ts';
import type { JobStatus } from '../../contract/job.ts';

/**
 * Resolves when the workflow of a job has ended, which is shortly after its record ends. Only then can the next job of
 * the dataset start. It never rejects and waits only briefly.
 */
export async function workflowEnded({ temporal }: PlimsollClient, { workflow_id, job_id }: JobStatus): Promise<void> {
  const handle = temporal.workflow.getHandle(workflow_id, undefined, { firstExecutionRunId: job_id });
  // The deadline of the request may have passed after a long wait for the end of the record, so use a new one.
  await temporal.connection.withDeadline(Date.now() + CLOSING_MS, () => handle.result()).catch(() => undefined);
}
