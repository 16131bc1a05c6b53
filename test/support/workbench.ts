import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, type Worker, type WorkerOptions } from '@temporalio/worker';
import { inject } from 'vitest';
import { createPlimsollClient, type PlimsollClient } from '../../client/plimsoll-client.ts';
import type { StartedJob } from '../../client/start.ts';
import type { EmbedDatasetRequest, LoadDatasetRequest } from '../../contract/inputs.ts';
import type { JobStatus } from '../../contract/job.ts';
import { openStore } from '../../core/store/open.ts';
import { prepareDatabase } from '../../core/store/prepare.ts';
import { webhooksFromEnvironment } from '../../core/webhooks/config.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import { settingsFromEnvironment } from '../../inference/settings.ts';
import { handleOf } from '../../temporal/jobs.ts';
import { createWorker } from '../../workers/create-worker.ts';
import type { PlimsollPluginOptions, Role } from '../../workers/plugin/options.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

/** A database, task queues, workers in this process, and a client, on the run's real servers. */
export interface Workbench extends PlimsollClient {
  /** A folder that is removed at the end. */
  folder: string;
  taskQueue: string;
  embedTaskQueue: string;
  /** A name that no other test uses. */
  newDataset(): string;
  /** Starts a load and waits for its end, successful or not. */
  load(request: LoadDatasetRequest): Promise<JobStatus>;
  embed(request: EmbedDatasetRequest): Promise<JobStatus>;
  /** Starts a worker and returns a function that ends it. */
  startWorker(role: Role, workerOptions?: Partial<WorkerOptions>): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export interface WorkbenchOptions {
  roles?: Role[];
  workerOptions?: Partial<WorkerOptions>;
  env?: NodeJS.ProcessEnv;
  /** Options of the workers' plugin. */
  plugin?: Partial<PlimsollPluginOptions>;
  /** Address of a server other than the run's shared one. */
  temporalAddress?: string;
}

export async function openWorkbench(options: WorkbenchOptions = {}): Promise<Workbench> {
  const { roles = ['indexing', 'embedding'], workerOptions = {}, env = {} } = options;
  const id = randomUUID().slice(0, 8);
  const taskQueue = `plimsoll-${id}`;
  const embedTaskQueue = `plimsoll-gpu-${id}`;
  const address = options.temporalAddress ?? inject('temporalAddress');

  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/test-${id}`;
  const store = openStore(uri.href);
  await prepareDatabase(store);
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-files-'));
  const connection = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  const embedder = createEmbedder(settingsFromEnvironment({ ...process.env, ...env }));
  const client = createPlimsollClient({ temporal: new Client({ connection }), store, taskQueue });
  const ends: (() => Promise<void>)[] = [];

  const startWorker = async (role: Role, more: Partial<WorkerOptions> = {}) => {
    const worker = await createWorker({
      connection: native,
      namespace: 'default',
      role,
      plugin: {
        mongodb: store.client,
        embedder,
        embedTaskQueue,
        webhooks: webhooksFromEnvironment(env),
        ...options.plugin,
      },
      overrides: { ...workerOptions, taskQueue: role === 'indexing' ? taskQueue : embedTaskQueue, ...more },
    });
    const end = run(worker);
    ends.push(end);
    return end;
  };
  await Promise.all(roles.map((role) => startWorker(role)));

  let datasets = 0;
  const startLoad: PlimsollClient['startLoad'] = (request, options) =>
    client.startLoad({ embed_task_queue: embedTaskQueue, ...request }, options);
  const startEmbedding: PlimsollClient['startEmbedding'] = (request, options) =>
    client.startEmbedding({ embed_task_queue: embedTaskQueue, ...request }, options);
  /**
   * Awaits a job's end by its workflow. The client's `wait` also reads each status on the way, which takes a tenth of a
   * small load's CPU time; the tests of `wait` call it.
   */
  const ended = async (job: StartedJob) => {
    // A job that failed, or was terminated, has ended as well: its status tells how.
    await handleOf(client.temporal, job)
      .result()
      .catch((error) => {
        if (!(error instanceof WorkflowFailedError)) throw error;
      });
    return client.status(job.job_id);
  };
  return {
    ...client,
    folder,
    taskQueue,
    embedTaskQueue,
    newDataset: () => `test-${id}-${datasets++}`,
    startLoad,
    startEmbedding,
    load: async (request) => ended(await startLoad(request)),
    embed: async (request) => ended(await startEmbedding(request)),
    startWorker,
    async stop() {
      await Promise.all(ends.map((end) => end()));
      await client.close();
      await embedder.close();
      await store.client.db(`test-${id}`).dropDatabase();
      await Promise.all([native.close(), connection.close(), store.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs a worker. The returned function ends it; further calls are safe. */
function run(worker: Worker): () => Promise<void> {
  const running = worker.run();
  return async () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running;
  };
}
