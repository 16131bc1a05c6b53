import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { SimplePlugin } from '@temporalio/plugin';
import { NativeConnection, type ReplayWorkerOptions, Worker, type WorkerOptions } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { PlimsollPlugin } from '../../workers/plugin/plugin.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const MODULES = join(import.meta.dirname, 'modules-for-workflows.ts');
const INTERCEPTING = { interceptors: { workflowModules: [MODULES] } };

let bench: Workbench;
let connection: NativeConnection;
let queues = 0;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  connection = await NativeConnection.connect({ address: inject('temporalAddress') });
});
afterAll(async () => {
  await connection.close();
  await bench.stop();
});

const newQueue = () => `${bench.taskQueue}-${queues++}`;
const plimsoll = () => new PlimsollPlugin({ roles: ['indexing'], mongodb: bench.store.client });
const createWorker = (options: Partial<WorkerOptions>) =>
  Worker.create({ connection, taskQueue: newQueue(), plugins: [plimsoll()], ...options });

/** A plugin of Temporal's usual kind, which hands the modules to the bundler. */
const tracing = () => new SimplePlugin({ name: 'tracing', workerInterceptors: { workflowModules: [MODULES] } });
/** A plugin that adds to a worker's options by itself. */
const adding = (more: Partial<WorkerOptions>) => ({
  name: 'adding',
  configureWorker: (options: WorkerOptions) => ({ ...options, ...more }),
  configureReplayWorker: (options: ReplayWorkerOptions) => ({ ...options, ...more }),
});

const FOR_THE_BUNDLE: [string, Partial<WorkerOptions>][] = [
  ['interceptors.workflowModules', INTERCEPTING],
  ['dataConverter.payloadConverterPath', { dataConverter: { payloadConverterPath: MODULES } }],
  ['dataConverter.failureConverterPath', { dataConverter: { failureConverterPath: MODULES } }],
  ['bundlerOptions', { bundlerOptions: { ignoreModules: ['dns'] } }],
];

describe('what a user brings to workflows reaches Plimsoll’s, too', () => {
  let handle: WorkflowHandle;
  let history: Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

  beforeAll(async () => {
    const dataConverter = { payloadConverterPath: MODULES, failureConverterPath: MODULES };
    const worker = await createWorker({ dataConverter, plugins: [tracing(), plimsoll()] });
    const dataset = bench.newDataset();
    handle = await bench.temporal.workflow.start('loadDataset', {
      taskQueue: worker.options.taskQueue,
      workflowId: `load-${dataset}`,
      args: [{ dataset, source: '/nowhere/at/all' }],
    });
    await worker.runUntil(handle.result().catch(() => {}));
    history = await handle.fetchHistory();
  });

  it('as interceptors', async () => {
    expect((await handle.describe()).memo).toMatchObject({ seenBy: 'the interceptor' });
  });

  it('as a payload converter', () => {
    const { events } = history;
    const inputs = events?.flatMap((event) => event.activityTaskScheduledEventAttributes?.input?.payloads ?? []) ?? [];
    expect(inputs.length).toBeGreaterThan(0);
    for (const { metadata } of inputs) expect(metadata).toHaveProperty('marked');
  });

  it('as a failure converter', () => {
    const failures = history.events?.flatMap((event) => event.workflowExecutionFailedEventAttributes?.failure ?? []);
    expect(failures).toMatchObject([{ source: 'the failure converter' }]);
  });

  describe('in a replay', () => {
    const replay = (options: ReplayWorkerOptions) => Worker.runReplayHistory(options, history, handle.workflowId);

    it('from a plugin behind ours', async () => {
      await replay({ plugins: [plimsoll(), adding(INTERCEPTING)] });
    });

    it('and only then', async () => {
      await expect(replay({ plugins: [plimsoll()] })).rejects.toThrow(/Nondeterminism/);
    });
  });
});

describe('the bundle that was built ahead', () => {
  const plain = () => new SimplePlugin({ name: 'plain' });
  const configured = async (options: Partial<WorkerOptions>) => {
    const ours = plimsoll();
    const plugins = options.plugins ?? [ours];
    return {
      worker: await ours.configureWorker({ taskQueue: newQueue(), ...options, plugins }),
      replay: await ours.configureReplayWorker({ ...options, plugins }),
    };
  };

  it.each<[string, () => Partial<WorkerOptions>]>([
    ['nothing', () => ({})],
    [
      'options that are empty',
      () => ({ interceptors: { workflowModules: [] }, dataConverter: {}, bundlerOptions: {} }),
    ],
    ['a plugin that changes no bundle', () => ({ plugins: [plain(), plimsoll()] })],
  ])('is taken with %s', async (_, options) => {
    const { worker } = await configured(options());

    expect(worker).toMatchObject({ workflowBundle: { codePath: expect.any(String) } });
    expect(worker.workflowsPath).toBeUndefined();
  });

  it.each<[string, () => Partial<WorkerOptions>]>([
    ...FOR_THE_BUNDLE.map(([name, options]): [string, () => typeof options] => [name, () => options]),
    ['the bundler’s hook of a plugin before ours', () => ({ plugins: [tracing(), plimsoll()] })],
    ['the bundler’s hook of a plugin behind ours', () => ({ plugins: [plimsoll(), tracing()] })],
  ])('gives way to a path with %s', async (_, options) => {
    const { worker, replay } = await configured(options());

    for (const { workflowsPath, workflowBundle } of [worker, replay]) {
      expect(workflowsPath).toMatch(/workflows\/index\.ts$/);
      expect(workflowBundle).toBeUndefined();
    }
  });

  it.each(FOR_THE_BUNDLE)(
    'is refused before the worker polls where a plugin behind ours sets %s',
    async (name, more) => {
      const ours = await NativeConnection.connect({ address: inject('temporalAddress') });
      const worker = await createWorker({ connection: ours, plugins: [plimsoll(), adding(more)] });

      await expect(worker.run()).rejects.toMatchObject({
        code: 'InvalidSetting',
        message: expect.stringMatching(new RegExp(`behind Plimsoll's sets ${name},.*Put PlimsollPlugin last`)),
      });
      // It throws while a worker holds it.
      await ours.close();
    },
  );

  it('is not held against a plugin behind ours that brings a bundle itself', async () => {
    const more = { workflowBundle: { ...(await workflowBundle()) }, ...INTERCEPTING };
    const worker = await createWorker({ plugins: [plimsoll(), adding(more)] });

    await worker.runUntil(Promise.resolve());
  });
});
