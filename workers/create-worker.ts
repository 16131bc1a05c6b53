import { availableParallelism } from 'node:os';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { EMBEDDING_TASK_QUEUE, INDEXING_TASK_QUEUE } from '../contract/names.ts';
import { WEBHOOK_PLACES } from '../core/webhooks/places.ts';
import type { PlimsollPluginOptions, Role } from './plugin/options.ts';
import { PlimsollPlugin } from './plugin/plugin.ts';

export interface WorkerSetup {
  connection: NativeConnection;
  namespace: string;
  role: Role;
  plugin: Omit<PlimsollPluginOptions, 'roles'>;
  /** Temporal worker options that override Plimsoll's. */
  overrides?: Partial<WorkerOptions>;
}

/**
 * Creates a worker that runs only Plimsoll. An indexing worker polls the task queue `plimsoll` and runs all workflows
 * and the activities that need no accelerator. An embedding worker polls `plimsoll-gpu` and runs only inference, so it
 * can be off while workflows run.
 *
 * @throws UserError as the plugin does
 */
export function createWorker({ connection, namespace, role, plugin, overrides }: WorkerSetup): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    ...(role === 'indexing'
      ? {
          taskQueue: INDEXING_TASK_QUEUE,
          // Webhook deliveries mostly wait for answers, so their slots come on top of those of other work.
          ...(overrides?.tuner === undefined
            ? { maxConcurrentActivityTaskExecutions: 4 * availableParallelism() + WEBHOOK_PLACES }
            : {}),
        }
      : { taskQueue: EMBEDDING_TASK_QUEUE }),
    // SIGTERM stops activities at once. Their steps are stored, so nothing has to be finished first.
    shutdownGraceTime: 0,
    shutdownForceTime: '20 seconds',
    ...overrides,
    plugins: [new PlimsollPlugin({ ...plugin, roles: [role] }), ...(overrides?.plugins ?? [])],
  });
}
