import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Client, WorkflowFailedError } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { collectionsOf } from '../../core/store/collections.ts';
import { registerNamespace } from '../support/namespace.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const id = randomUUID().slice(0, 8);
const endpoint = `plimsoll-${id}`;
const callers = `callers-${id}`;

let bench: Workbench;
let connection: NativeConnection;
let caller: Client;
let callersWorker: Worker;
let callersRun: Promise<void>;
let pictures: string;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  pictures = join(bench.folder, 'pictures');
  await makePictures(pictures, 4);

  const { connection: service } = bench.temporal;
  await registerNamespace(service, callers);
  await service.operatorService.createNexusEndpoint({
    spec: { name: endpoint, target: { worker: { namespace: 'default', taskQueue: bench.taskQueue } } },
  });
  connection = await NativeConnection.connect({ address: inject('temporalAddress') });
  caller = new Client({ connection: service, namespace: callers });
  const workflowsPath = new URL('./callers-workflows.ts', import.meta.url).pathname;
  callersWorker = await Worker.create({ connection, namespace: callers, taskQueue: 'callers', workflowsPath });
  callersRun = callersWorker.run();
});

afterAll(async () => {
  callersWorker?.shutdown();
  await callersRun;
  await connection?.close();
  await bench?.stop();
});

const call = (operation: 'load' | 'status', input: object) =>
  caller.workflow.execute(operation === 'load' ? 'loadByNexus' : 'statusByNexus', {
    taskQueue: 'callers',
    workflowId: randomUUID(),
    args: [endpoint, input],
  });

/** Returns the errors of a failed call, from the outermost to the innermost cause. */
async function failuresOf(calling: Promise<unknown>): Promise<Error[]> {
  const error = await calling.then(
    () => expect.unreachable('The call was to fail.'),
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(WorkflowFailedError);
  const failures = [error as Error];
  for (let cause = failures[0]?.cause; cause instanceof Error; cause = cause.cause) failures.push(cause);
  return failures;
}

const failed = (type: string) => expect.arrayContaining([expect.objectContaining({ type })]);
const saying = (message: RegExp) =>
  expect.arrayContaining([expect.objectContaining({ message: expect.stringMatching(message) })]);

describe('the Nexus service, called from another namespace', () => {
  it('loads, and answers with how the load ended', async () => {
    const dataset = bench.newDataset();

    expect(await call('load', { dataset, source: pictures, embed: false })).toMatchObject({
      dataset,
      workflow_id: `load-${dataset}`,
      state: 'completed',
      phases: { indexing: { done: 4 } },
    });
  });

  it('starts it with the priority and fairness of its input', async () => {
    const dataset = bench.newDataset();
    const input = { dataset, source: pictures, embed: false, priority: 2, fairness_key: 'team', fairness_weight: 3 };
    await call('load', input);

    const { priority } = await bench.temporal.workflow.getHandle(`load-${dataset}`).describe();
    expect(priority).toEqual({ priorityKey: 2, fairnessKey: 'team', fairnessWeight: 3 });
  });

  it('has the load on record as soon as it is accepted, also where no worker can run it', async () => {
    const taskQueue = `idle-${id}`;
    const idle = `idle-${endpoint}`;
    await bench.temporal.connection.operatorService.createNexusEndpoint({
      spec: { name: idle, target: { worker: { namespace: 'default', taskQueue } } },
    });
    // It handles Nexus operations, and has no loadDataset.
    const workflowsPath = new URL('./callers-workflows.ts', import.meta.url).pathname;
    const logger = new DefaultLogger('ERROR');
    await bench.startWorker('indexing', {
      taskQueue,
      workflowBundle: await bundleWorkflowCode({ workflowsPath, logger }),
    });
    const dataset = bench.newDataset();
    const handle = await caller.workflow.start('loadByNexus', {
      taskQueue: 'callers',
      workflowId: randomUUID(),
      args: [idle, { dataset, source: pictures }],
    });

    await expect
      .poll(() => collectionsOf(bench.store).jobs.findOne({ dataset_id: dataset }))
      .toMatchObject({ kind: 'load', state: 'queued', workflow_id: `load-${dataset}`, request: { source: pictures } });
    await handle.terminate();
    await bench.temporal.workflow.getHandle(`load-${dataset}`).terminate();
  });

  it('tells the status of a job by its dataset', async () => {
    const dataset = bench.newDataset();
    const { job_id } = await bench.load({ dataset, source: pictures, embed: false });

    expect(await call('status', { job: dataset })).toMatchObject({ job_id, state: 'completed' });
  });

  it('says at once what is wrong with an input, by field', async () => {
    expect(await failuresOf(call('load', { dataset: 'Ü', source: pictures }))).toEqual(saying(/dataset must begin/));
    expect(await failuresOf(call('status', { job: 'nobody' }))).toEqual(saying(/No job or dataset matches "nobody"/));
  });

  it('fails with the load’s own reason', async () => {
    const input = { dataset: bench.newDataset(), source: '/nowhere/at/all' };

    expect(await failuresOf(call('load', input))).toEqual(failed('SourceNotFound'));
  });

  it('starts no second load of a dataset beside one that runs', async () => {
    const dataset = bench.newDataset();
    // Nobody embeds on this queue, so the load waits.
    await bench.startLoad({ dataset, source: pictures, embed_task_queue: `nobody-${id}` });

    expect(await failuresOf(call('load', { dataset, source: pictures }))).toEqual(failed('AlreadyRunning'));
    await bench.cancel(dataset);
    await bench.wait(dataset);
  });

  it('cancels the load when its caller is canceled', async () => {
    const dataset = bench.newDataset();
    const handle = await caller.workflow.start('loadByNexus', {
      taskQueue: 'callers',
      workflowId: randomUUID(),
      args: [endpoint, { dataset, source: pictures, embed_task_queue: `nobody-${id}` }],
    });
    await expect
      .poll(() => bench.status(dataset).catch(() => undefined))
      .toMatchObject({
        phases: { indexing: { state: 'completed' } },
      });

    await handle.cancel();

    expect(await bench.wait(dataset)).toMatchObject({ state: 'canceled' });
  });
});
