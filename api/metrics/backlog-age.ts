import type { PlimsollClient } from '../../client/plimsoll-client.ts';
import { EMBEDDING_TASK_QUEUE, INDEXING_TASK_QUEUE } from '../../contract/names.ts';

/** Temporal's TaskQueueType. */
const WORKFLOWS = 1;
const ACTIVITIES = 2;

/** The age of each queue's oldest waiting task in seconds, as the server estimates it. */
export async function backlogAge({ temporal: client, taskQueue = INDEXING_TASK_QUEUE }: PlimsollClient) {
  const kinds = [
    [taskQueue, 'workflow', WORKFLOWS],
    [taskQueue, 'activity', ACTIVITIES],
    [EMBEDDING_TASK_QUEUE, 'activity', ACTIVITIES],
  ] as const;
  return Promise.all(
    kinds.map(async ([queue, kind, taskQueueType]) => {
      const { stats } = await client.workflowService.describeTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name: queue },
        taskQueueType,
        reportStats: true,
      });
      const { seconds, nanos } = stats?.approximateBacklogAge ?? {};
      return { queue, kind, seconds: Number(seconds ?? 0) + (nanos ?? 0) / 1e9 };
    }),
  );
}
