import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { createWorker as createPlimsollWorker } from '../../workers/create-worker.ts';
import type { PlimsollPluginOptions } from '../../workers/plugin/options.ts';
import { PlimsollPlugin } from '../../workers/plugin/plugin.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { countSockets } from './socket-counter.ts';

let bench: Workbench;
let connection: NativeConnection;
let pictures: string;
let taskQueue: string;
let queues = 0;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  connection = await NativeConnection.connect({ address: inject('temporalAddress') });
  pictures = join(bench.folder, 'pictures');
  await makePictures(pictures, 5);
});
afterAll(async () => {
  await connection.close();
  await bench.stop();
});
beforeEach(() => {
  taskQueue = `${bench.taskQueue}-${queues++}`;
});

/** A user's own worker, with options of their own. */
function createWorker(plugin: Partial<PlimsollPluginOptions>, options: Partial<WorkerOptions> = {}): Promise<Worker> {
  const plugins = [new PlimsollPlugin({ roles: ['indexing'], mongodb: bench.store.client, ...plugin })];
  return Worker.create({ connection, taskQueue, plugins, ...options });
}

/** Runs a load by the workflow's name and a JSON object, as any client does. */
function load(input: Record<string, unknown> = {}): Promise<{ state: string; phases: Record<string, object> }> {
  const dataset = bench.newDataset();
  return bench.temporal.workflow.execute('loadDataset', {
    taskQueue,
    workflowId: `load-${dataset}`,
    args: [{ dataset, source: pictures, ...input }],
  });
}

describe('a worker with the plugin', () => {
  it('indexes and embeds what it indexed, with both roles on its queue', async () => {
    const worker = await createWorker({ roles: ['indexing', 'embedding'] });

    const status = await worker.runUntil(load());

    expect(status).toMatchObject({ state: 'completed', phases: { indexing: { done: 5 }, embedding: { done: 5 } } });
  });

  it('brings no workflow where it only embeds', async () => {
    const worker = await createWorker({ roles: ['embedding'] });

    expect(worker.options.workflowBundle).toBeUndefined();
    expect([...worker.options.activities.keys()].toSorted()).toEqual([
      'buildSearchIndex',
      'embedChunk',
      'openModel',
      'searchSamples',
    ]);
    await worker.runUntil(Promise.resolve());
  });

  it('has activities of the user’s beside ours', async () => {
    const worker = await createWorker({}, { activities: { greet: async () => 'hello' } });

    expect([...worker.options.activities.keys()]).toEqual(expect.arrayContaining(['greet', 'listSource']));
    await worker.runUntil(Promise.resolve());
  });

  it('is refused where an activity of the user’s has a name of ours, which is named', async () => {
    const activities = { indexPage: async () => {}, embedChunk: async () => {}, greet: async () => {} };

    await expect(createWorker({ roles: ['indexing', 'embedding'] }, { activities })).rejects.toMatchObject({
      code: 'ActivityNameClash',
      message: expect.stringMatching(/indexPage, embedChunk|embedChunk, indexPage/),
    });
    await expect(createWorker({ roles: ['embedding'] }, { activities })).rejects.toThrow(/: embedChunk\./);
  });

  it('does not run where a plugin behind it has put another activity in the place of ours', async () => {
    const behind = {
      name: 'behind',
      configureWorker: (options: WorkerOptions) => ({
        ...options,
        activities: { ...options.activities, indexPage: async () => {} },
      }),
      // It takes its time.
      async runWorker(worker: Worker, next: (worker: Worker) => Promise<void>) {
        await Promise.resolve();
        await next(worker);
      },
    };
    const ours = await NativeConnection.connect({ address: inject('temporalAddress') });
    const plugins = [new PlimsollPlugin({ roles: ['indexing'], mongodb: bench.store.client }), behind];
    const worker = await Worker.create({ connection: ours, taskQueue, plugins });

    await expect(worker.run()).rejects.toMatchObject({
      code: 'ActivityNameClash',
      message: expect.stringContaining(': indexPage.'),
    });
    await ours.close();
  });

  it.each(['the same plugin', 'another of the same roles'])('takes %s on its connection, too', async (which) => {
    const plugin = new PlimsollPlugin({ roles: ['indexing'], mongodb: bench.store.client });
    const other = new PlimsollPlugin({ roles: ['indexing'], mongodb: bench.store.client });
    const ours = await NativeConnection.connect({ address: inject('temporalAddress'), plugins: [plugin] });
    try {
      const plugins = [which === 'the same plugin' ? plugin : other];
      const worker = await Worker.create({ connection: ours, taskQueue, plugins });
      expect(await worker.runUntil(load({ embed: false }))).toMatchObject({ state: 'completed' });
    } finally {
      await ours.close();
    }
  });

  it('is refused where a second plugin has another role', async () => {
    const plugins = (['indexing', 'embedding'] as const).map(
      (role) => new PlimsollPlugin({ roles: [role], mongodb: bench.store.client }),
    );

    await expect(createWorker({}, { plugins })).rejects.toThrow(/Give one of them all roles/);
  });

  it('keeps worker options that the user chose', async () => {
    const version = { deploymentName: 'mine', buildId: '7' };
    const workerDeploymentOptions = { version, useWorkerVersioning: false } as const;
    const worker = await createWorker({}, { maxHeartbeatThrottleInterval: '9 seconds', workerDeploymentOptions });

    expect(worker.options).toMatchObject({ maxHeartbeatThrottleIntervalMs: 9000 });
    expect(worker.options.workerDeploymentOptions).toEqual(workerDeploymentOptions);
    await worker.runUntil(Promise.resolve());
  });
});

it.each(['indexing', 'embedding'] as const)(
  'a tuner takes the place of our slots in a worker of the role %s',
  async (role) => {
    const tuner = { tunerOptions: { targetMemoryUsage: 0.8, targetCpuUsage: 0.9 } };
    const plugin = { mongodb: bench.store.client };
    const worker = await createPlimsollWorker({
      connection,
      namespace: 'default',
      role,
      plugin,
      overrides: { taskQueue, tuner },
    });
    await worker.runUntil(Promise.resolve());

    expect(worker.options.tuner.activityTaskSlotSupplier).toMatchObject({ type: 'resource-based' });
  },
);

it('an embedding worker takes two chunks at a time for each of its devices', async () => {
  const worker = await createPlimsollWorker({
    connection,
    namespace: 'default',
    role: 'embedding',
    plugin: {
      mongodb: bench.store.client,
      inference: { devices: [{ type: 'cpu' }, { type: 'cpu' }, { type: 'cpu' }] },
    },
    overrides: { taskQueue },
  });
  await worker.runUntil(Promise.resolve());

  expect(worker.options.tuner.activityTaskSlotSupplier).toMatchObject({ type: 'fixed-size', numSlots: 6 });
});

describe('elsewhere than on a worker, the plugin changes nothing:', () => {
  const plugin = () => new PlimsollPlugin({ roles: ['indexing'], mongodb: bench.store.client });

  it('on a connection and a client, which start loads as others do', async () => {
    const own = await Connection.connect({ address: inject('temporalAddress'), plugins: [plugin()] });
    const client = new Client({ connection: own, plugins: [plugin()] });
    try {
      const { loadedDataConverter, interceptors } = client.options;
      expect({ loadedDataConverter, interceptors }).toEqual({
        loadedDataConverter: bench.temporal.options.loadedDataConverter,
        interceptors: bench.temporal.options.interceptors,
      });
      const worker = await createWorker({});
      const dataset = bench.newDataset();
      const args = [{ dataset, source: pictures, embed: false }];
      const loading = client.workflow.execute('loadDataset', { taskQueue, workflowId: `load-${dataset}`, args });
      expect(await worker.runUntil(loading)).toMatchObject({ state: 'completed' });
    } finally {
      await own.close();
    }
  });

  it('in a bundle, which has what its file exports', async () => {
    const workflowsPath = join(import.meta.dirname, 'callers-workflows.ts');
    const { code } = await bundleWorkflowCode({
      workflowsPath,
      logger: new DefaultLogger('ERROR'),
      plugins: [plugin()],
    });

    expect(code).toContain('loadByNexus');
    expect(code).not.toContain('function loadDataset');
  });
});

describe('what the plugin opens', () => {
  it('is closed when the worker has run', async () => {
    const sockets = await countSockets(inject('mongodbUri'));
    try {
      const worker = await createWorker({ mongodb: sockets.uri });
      await worker.runUntil(load({ embed: false }));

      expect(sockets.made()).toBeGreaterThan(0);
      await expect.poll(sockets.open).toBe(0);
    } finally {
      await sockets.close();
    }
  });

  it('is not open yet in a worker that was only made', async () => {
    const sockets = await countSockets(inject('mongodbUri'));
    try {
      const worker = await createWorker({ mongodb: sockets.uri });

      expect(sockets.made()).toBeGreaterThan(0);
      await expect.poll(sockets.open).toBe(0);
      await worker.runUntil(Promise.resolve());
    } finally {
      await sockets.close();
    }
  });

  it('leaves a client of the user’s open, whatever its options', async () => {
    const uri = new URL(inject('mongodbUri'));
    uri.pathname = `/own-${bench.taskQueue}`;
    const client = new MongoClient(uri.href);
    try {
      const worker = await createWorker({ mongodb: client });
      const status = await worker.runUntil(load({ embed: false }));

      expect(status).toMatchObject({ state: 'completed' });
      expect(await client.db().collection('samples').countDocuments({ error: null })).toBe(5);
    } finally {
      await client.db().dropDatabase();
      await client.close();
    }
  });

  it('leaves nothing behind where MongoDB does not answer', async () => {
    const ours = await NativeConnection.connect({ address: inject('temporalAddress') });
    const client = new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 200 });

    await expect(createWorker({ mongodb: client }, { connection: ours })).rejects.toMatchObject({
      name: 'MongoServerSelectionError',
    });
    // It throws while a worker holds it.
    await ours.close();
  });
});

describe('source roots', () => {
  const attempt = async (source: string, sourceRoots: string[]) => {
    const worker = await createWorker({ sourceRoots });
    return worker.runUntil(
      load({ source, embed: false }).catch((error: { cause: { type: string; message: string } }) => error.cause),
    );
  };

  it('let a folder below one of them be loaded', async () => {
    expect(await attempt(pictures, [join(bench.folder, 'elsewhere'), bench.folder])).toMatchObject({
      state: 'completed',
    });
  });

  it('keep every other folder out, by whatever way it is named', async () => {
    const root = join(bench.folder, 'root');
    await mkdir(root);
    await symlink(pictures, join(root, 'way-out'));
    for (const source of [pictures, `${root}/../pictures`, join(root, 'way-out'), '/nowhere/at/all', `${root}2`]) {
      expect(await attempt(source, [root]), source).toMatchObject({ type: 'SourceOutsideRoots' });
    }
  });

  it('have to be absolute', async () => {
    await expect(createWorker({ sourceRoots: ['photos'] })).rejects.toThrow(/sourceRoots: "photos" is not an absolute/);
  });
});
