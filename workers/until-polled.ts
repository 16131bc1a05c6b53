import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';
import { ACTIVITY_TASKS, describeTaskQueue, WORKFLOW_TASKS } from '../temporal/task-queues.ts';

const ASK_AGAIN_MS = 100;
const ASK_FOR_MS = 30_000;

/**
 * Resolves when the server knows that the worker polls; from then on the worker's version can be made current. Also
 * resolves, and never rejects, when the server does not say so within 30 seconds.
 */
export async function untilPolled(worker: Worker): Promise<void> {
  const untilMs = performance.now() + ASK_FOR_MS;
  while (worker.getState() === 'RUNNING' && performance.now() < untilMs) {
    if (await isKnown(worker).catch(() => false)) return;
    await delay(ASK_AGAIN_MS);
  }
}

async function isKnown({ connection, options }: Worker): Promise<boolean> {
  if (connection === undefined) return false;
  const { namespace, taskQueue, identity, workerDeploymentOptions } = options;
  const version = workerDeploymentOptions?.version;
  if (version !== undefined) {
    await connection.workflowService.describeWorkerDeploymentVersion({ namespace, deploymentVersion: version });
    return true;
  }
  const queues = await Promise.all(
    ([WORKFLOW_TASKS, ACTIVITY_TASKS] as const).map((type) =>
      describeTaskQueue(connection, namespace, taskQueue, type),
    ),
  );
  return queues.some(({ pollers }) => pollers?.some((poller) => poller.identity === identity));
}
