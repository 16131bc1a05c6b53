import type { Connection } from '@temporalio/client';

/** temporal.api.enums.v1.TaskQueueType. A worker polls for each type separately. */
export const WORKFLOW_TASKS = 1;
export const ACTIVITY_TASKS = 2;
export type TaskType = typeof WORKFLOW_TASKS | typeof ACTIVITY_TASKS;

/**
 * A worker that did not poll for this time is gone, unless it is busy. An idle worker polls at least every 60 s; the
 * rest allows for clocks that differ. Temporal lists a poller for 5 minutes, so only the time of its last poll counts.
 */
export const SILENCE_MS = 90_000;

// Named by way of the client: @temporalio/proto, which declares it, is no dependency of this package.
type Description = ReturnType<Connection['workflowService']['describeTaskQueue']>;

/** Temporal's knowledge of a task queue. */
export const describeTaskQueue = (
  { workflowService }: Pick<Connection, 'workflowService'>,
  namespace: string,
  name: string,
  type: TaskType,
): Description => workflowService.describeTaskQueue({ namespace, taskQueue: { name }, taskQueueType: type });

type Poller = NonNullable<Awaited<Description>['pollers']>[number];

/** When a worker last polled, in ms since the epoch. */
export const polledAtMs = ({ lastAccessTime }: Poller): number => Number(lastAccessTime?.seconds ?? 0) * 1000;
