import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadWorkflowId } from '../../contract/names.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const PICTURES = 5;

let bench: Workbench;
let source: string;
beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  source = join(bench.folder, 'pictures');
  await makePictures(source, PICTURES);
});
afterAll(() => bench.stop());

const eventsOf = async (handle: WorkflowHandle) => (await handle.fetchHistory()).events ?? [];

describe('a signal that is none of Plimsoll’s', () => {
  const report = { run_id: 'other', state: 'running', waiting_for: null, done: 3, failed: 0, reused: 0, total: 5 };

  it('is ignored, whatever it holds, and the load goes on', async () => {
    const dataset = bench.newDataset();
    const { job_id, workflow_id } = await bench.startLoad({ dataset, source });
    const load = bench.temporal.workflow.getHandle(workflow_id);
    const embedding = bench.temporal.workflow.getHandle(`embed-${dataset}:built-in`);
    await bench.wait(job_id, { for: 'browsable' });
    await expect.poll(async () => (await embedding.describe().catch(() => undefined))?.status.name).toBe('RUNNING');

    const bad = [
      [],
      [null],
      ['x'],
      [{}],
      [{ ...report, done: -1 }],
      [{ ...report, waiting_for: { since: 'soon' } }],
      [report],
    ];
    for (const args of bad) await load.signal('embeddingProgress', ...args);
    for (const args of [[], [null], ['x']]) await load.signal('retrying', ...args);
    for (const args of [[], [null], ['true'], [1]]) await embedding.signal('setPaused', ...args);
    await load.signal('unknown', 1);

    expect(await load.query('status')).toMatchObject({
      state: 'running',
      phases: { embedding: { done: 0, state: 'waiting' } },
    });
    const stop = await bench.startWorker('embedding');
    expect(await bench.wait(job_id)).toMatchObject({ state: 'completed', phases: { embedding: { done: PICTURES } } });
    await stop();
    const events = [...(await eventsOf(load)), ...(await eventsOf(embedding))];
    expect(events.filter((event) => event.workflowExecutionSignaledEventAttributes).length).toBeGreaterThan(bad.length);
    expect(events.filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
  });
});

describe('a workflow that is started with what no run of it may have', () => {
  const start = (type: string, args: unknown[], cronSchedule?: string) =>
    bench.temporal.workflow.start(type, {
      taskQueue: bench.taskQueue,
      workflowId: `${loadWorkflowId(bench.newDataset())}-${randomUUID()}`,
      args,
      ...(cronSchedule === undefined ? {} : { cronSchedule }),
    });
  const input = () => ({ dataset: bench.newDataset(), source });

  it.each([
    ['loadDataset', {}],
    ['loadDataset', { next: 3 }],
    ['retryFailed', null],
  ])('is refused: a second input of %s', async (type, second) => {
    const { dataset } = input();
    const first = type === 'loadDataset' ? { dataset, source } : { dataset };
    const handle = await start(type, [first, second]);
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'InvalidInput', message: `${type} has too many inputs: it sets the last one itself.` },
    });
  });

  it.each([
    [[{ job_id: 'x' }], /takes one argument/],
    [[null, {}], /too many inputs/],
  ])('is refused: more inputs of embedDataset', async (more, message) => {
    const handle = await start('embedDataset', [{ dataset: bench.newDataset() }, ...more]);
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'InvalidInput', message: expect.stringMatching(message) },
    });
  });

  it.each(['loadDataset', 'pruneDataset', 'findDuplicates', 'scheduledLoad'])(
    'is refused, with what to do: %s by --cron',
    async (type) => {
      const handle = await start(type, [input()], '@every 1s');
      const first = bench.temporal.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
      await expect
        .poll(async () => (await eventsOf(first)).at(-1)?.workflowExecutionFailedEventAttributes?.failure?.message)
        .toBe(`${type} can't run by --cron. Make a schedule: plimsoll schedule create --help`);
      await handle.terminate();
    },
  );
});

describe('a load with nothing to embed', () => {
  it('needs no embedding worker, and the dataset is ready', async () => {
    const dataset = bench.newDataset();
    const stop = await bench.startWorker('embedding');
    await bench.load({ dataset, source });
    await stop();

    // Nobody polls the embedding queue now, and the window is closed.
    const embed_at = '2126-01-01T00:00:00Z';
    const status = await bench.load({ dataset, source, embed_at });

    expect(status).toMatchObject({
      state: 'completed',
      phases: { embedding: { state: 'completed', done: 0, total: 0, total_known: true } },
    });
    expect(status.phases.embedding.model_key).toMatch(/^color-gradient-grid@/);
    const handle = bench.temporal.workflow.getHandle(status.workflow_id);
    expect(await handle.query('status')).toMatchObject({ phases: { embedding: { state: 'completed', total: 0 } } });
    expect(
      (await eventsOf(handle)).filter((event) => event.startChildWorkflowExecutionInitiatedEventAttributes),
    ).toEqual([]);
  });

  it('waits for one as soon as a file changes, or with another model', async () => {
    const dataset = bench.newDataset();
    const own = join(bench.folder, dataset);
    await makePictures(own, PICTURES);
    const stop = await bench.startWorker('embedding');
    await bench.load({ dataset, source: own });
    await stop();

    await makePictures(join(own, 'more'), 1);
    for (const request of [
      { dataset, source: own },
      { dataset, source: own, model: 'another' },
    ]) {
      const { job_id } = await bench.startLoad(request);
      for await (const { phases } of bench.watch(job_id)) if (phases.embedding.waiting_for?.reason === 'worker') break;
      await bench.cancel(job_id);
      await bench.wait(job_id);
    }
  });
});

describe('what a workflow says about its messages', () => {
  interface Definition {
    name: string;
    description?: string;
  }
  interface Metadata {
    definition: Record<'queryDefinitions' | 'signalDefinitions' | 'updateDefinitions', Definition[]>;
  }

  it('names and describes each, for Temporal’s page', async () => {
    const { job_id, workflow_id } = await bench.startLoad({ dataset: bench.newDataset(), source });
    await bench.wait(job_id, { for: 'browsable' });
    const handle = bench.temporal.workflow.getHandle(workflow_id);
    const { definition } = await handle.query<Metadata>('__temporal_workflow_metadata');
    const own = [definition.queryDefinitions, definition.signalDefinitions, definition.updateDefinitions]
      .flat()
      .filter(({ name }) => !name.startsWith('__'));
    expect(own.map(({ name }) => name).sort()).toEqual(
      ['cancel', 'embeddingProgress', 'pause', 'resume', 'retrying', 'status'].sort(),
    );
    for (const { name, description } of own) expect(description, name).toMatch(/^[A-Z].{30,}\.$/);
    await bench.cancel(job_id);
    await bench.wait(job_id);
  });
});
