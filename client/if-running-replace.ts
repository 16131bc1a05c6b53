import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import { endJob } from '../core/jobs/phases.ts';
import type { Backends } from './backends.ts';
import type { RunningJob } from './if-running.ts';
import { AlreadyRunningError } from './if-running.ts';

/** A worker hears a cancel within milliseconds where there is one. */
export const HEARD_WITHIN_MS = 30_000;
/** After it was heard: an activity whose worker was killed is given up after a heartbeat timeout of a minute. */
const ENDED_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 100;

/**
 * Ends a running job and returns once it has ended: by a cancellation, which keeps what it did and records how far it came; by
 * termination where no worker hears that in time: then no webhook is told of it.
 *
 * @throws AlreadyRunningError for a deletion: half of one is nothing to build upon
 */
export async function endRunning(
  backends: Backends,
  running: RunningJob,
  heardWithinMs = HEARD_WITHIN_MS,
): Promise<void> {
  if (running.kind === 'delete') {
    throw new AlreadyRunningError(running, [], 'A deletion is not replaced.');
  }
  const { job_id, workflow_id } = running.job;
  const handle = backends.temporal.workflow.getHandle(workflow_id, undefined, { firstExecutionRunId: job_id });
  if (!(await ask(() => handle.cancel()))) return;
  if (await endsInTime(backends, running, heardWithinMs)) return;
  const terminated = await ask(() =>
    handle.terminate('Replaced by another job, and did not end when it was canceled.'),
  );
  if (!terminated) return;
  // Nobody else will: its workflow is gone.
  await endJob(backends.store, job_id, 'canceled', {
    code: 'Replaced',
    message:
      'Another job took its place. It did not end when it was canceled, and was terminated. What was done is kept.',
  });
}

/** False where the job has ended already. */
async function ask(order: () => Promise<unknown>): Promise<boolean> {
  try {
    await order();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function endsInTime({ temporal }: Backends, { job }: RunningJob, heardWithinMs: number): Promise<boolean> {
  const asked = performance.now();
  let heard = false;
  for (;;) {
    const { raw, status } = await temporal.workflow.getHandle(job.workflow_id).describe();
    const isSame = raw.workflowExecutionInfo?.firstRunId === job.job_id;
    if (!isSame || (status.name !== 'RUNNING' && status.name !== 'PAUSED')) return true;
    // The workflow task that holds the cancel waits until a worker has answered it.
    heard ||= raw.pendingWorkflowTask == null;
    if (performance.now() - asked > (heard ? ENDED_WITHIN_MS : heardWithinMs)) return false;
    await delay(LOOK_EVERY_MS);
  }
}
