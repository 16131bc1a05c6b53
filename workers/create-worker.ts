import { availableParallelism } from 'node:os';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { createEmbedActivities } from '../activities/embed-activities.ts';
import { createIndexRoleActivities } from '../activities/index-role.ts';
import { images } from '../core/images/media.ts';
import type { Embedder } from '../core/models/embedder.ts';
import type { Store } from '../core/store/store.ts';
import type { WebhookConfig } from '../core/webhooks/config.ts';
import { EMBED_TASK_QUEUE, INDEX_TASK_QUEUE } from '../workflows/contract.ts';
import { workflowBundle } from './workflow-bundle.ts';

export type Role = 'index' | 'embed';

export interface WorkerSetup {
  connection: NativeConnection;
  namespace: string;
  store: Store;
  /** Anything of Temporal's own worker options, on top of Plimsoll's. */
  overrides?: Partial<WorkerOptions>;
}

/**
 * What both roles share. Heartbeats reach the server every few seconds, so that what is in flight can be seen; on SIGTERM
 * work under way is told to stop at once and has the grace time to come to an end.
 */
function sharedOptions({ connection, namespace, overrides }: WorkerSetup): Omit<WorkerOptions, 'taskQueue'> {
  return {
    connection,
    namespace,
    maxHeartbeatThrottleInterval: '2 seconds',
    defaultHeartbeatThrottleInterval: '2 seconds',
    shutdownGraceTime: 0,
    shutdownForceTime: '20 seconds',
    ...overrides,
  };
}

/** A worker of the task queue `plimsoll`: runs all workflows, and the activities that need no accelerator. */
export async function createIndexWorker(
  setup: WorkerSetup & { searchAttributes: boolean; webhooks: WebhookConfig },
): Promise<Worker> {
  const { store, searchAttributes, webhooks } = setup;
  return Worker.create({
    taskQueue: INDEX_TASK_QUEUE,
    workflowBundle: await workflowBundle(),
    activities: createIndexRoleActivities({ store, media: images, searchAttributes, webhooks }),
    maxConcurrentActivityTaskExecutions: 4 * availableParallelism(),
    // Each takes some 60 MB, and workflows have next to nothing to compute.
    workflowThreadPoolSize: 1,
    ...sharedOptions(setup),
  });
}

/** A worker of the task queue `plimsoll-gpu`: runs inference and no workflow, so that it can be off. Two chunks at a time keep its one device busy from one to the next. */
export async function createEmbedWorker(setup: WorkerSetup & { embedder: Embedder }): Promise<Worker> {
  const { store, embedder } = setup;
  return Worker.create({
    taskQueue: EMBED_TASK_QUEUE,
    activities: createEmbedActivities({ store, embedder }),
    maxConcurrentActivityTaskExecutions: 2,
    ...sharedOptions(setup),
  });
}
