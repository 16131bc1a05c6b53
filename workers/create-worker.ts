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
  /** Anything of Temporal's own worker options, on top of Plimsoll's. */
  overrides?: Partial<WorkerOptions>;
}

/**
 * A worker of Plimsoll's alone. Of the task queue `plimsoll`, it runs all workflows and the activities that need no
 * accelerator; of `plimsoll-gpu`, inference and no workflow, so that it can be off.
 */
export function createWorker({ connection, namespace, role, plugin, overrides }: WorkerSetup): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    ...(role === 'indexing'
      ? {
          taskQueue: INDEXING_TASK_QUEUE,
          // Tries of webhooks only wait for answers: they take nothing from the loads' work.
          maxConcurrentActivityTaskExecutions: 4 * availableParallelism() + WEBHOOK_PLACES,
        }
      : { taskQueue: EMBEDDING_TASK_QUEUE }),
    // On SIGTERM, work under way is told to stop at once: its steps are stored, so that there is nothing to finish first.
    shutdownGraceTime: 0,
    shutdownForceTime: '20 seconds',
    ...overrides,
    plugins: [new PlimsollPlugin({ ...plugin, roles: [role] }), ...(overrides?.plugins ?? [])],
  });
}
