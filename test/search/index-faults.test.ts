import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { NativeConnection, Worker } from '@temporalio/worker';
import Long from 'long';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { createSearchIndexActivities } from '../../activities/search-index.ts';
import type { IndexBuilder } from '../../core/search/index-builder.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { findPublishedIndex } from '../../core/store/datasets.ts';
import { createProcessBuilder } from '../../search/process-builder.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { clusteredVectors, fillWithVectors } from './vectors.ts';

const DIM = 64;
const COUNT = 6000;
const MODEL = 'm@000000000001';

let bench: Workbench;
const vectors = clusteredVectors(COUNT, DIM);

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
});
afterAll(() => bench?.stop());

async function filled() {
  const set = { datasetId: bench.newDataset(), modelKey: MODEL, dim: DIM };
  await fillWithVectors(bench.store, set, vectors);
  return set;
}

const startIndex = (dataset: string, queue: string, kind: 'f32' | 'exact' = 'f32') =>
  bench.indexVectors({ dataset, kind, embed_task_queue: queue });

const indexFiles = (dataset: string) =>
  collectionsOf(bench.store).meta.db.collection('indexes.files').countDocuments({ 'metadata.dataset_id': dataset });

/** Starts an embedding worker in a process of its own. A shell may set limits before. */
async function startWorker(queue: string, limits = ''): Promise<ChildProcess> {
  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/${bench.store.database}`;
  const script = join(import.meta.dirname, '../support/stand-in-worker.ts');
  const worker = spawn('sh', ['-c', `${limits} exec "$@"`, 'sh', process.execPath, script, queue, '1000'], {
    env: {
      ...process.env,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      MONGODB_URI: uri.href,
      PLIMSOLL_CACHE: join(bench.folder, `cache-of-${queue}`),
    },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  onTestFinished(() => void worker.kill('SIGKILL'));
  await once(worker, 'message');
  return worker;
}

describe('a build of an index', () => {
  it('whose worker is killed is done by another one, and nothing is published before', async () => {
    const set = await filled();
    const killed = await startWorker('killed');
    const { job_id } = await startIndex(set.datasetId, 'killed');
    for await (const { phases } of bench.watch(job_id)) if (phases.embedding.started_at !== null) break;
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect((await findPublishedIndex(bench.store, set))?.vectors ?? COUNT).toBe(COUNT);
    await startWorker('killed');
    expect(await bench.wait(job_id)).toMatchObject({ state: 'completed' });
    expect(await findPublishedIndex(bench.store, set)).toMatchObject({ kind: 'f32', vectors: COUNT });
  });

  // The worker's files end at so many blocks of 512 bytes: the graph has 1.9 MB, the last rows of the exact index are cut.
  it.each([
    ['f32', 1024, /can't be written to .*Is the disk full/],
    ['exact', 740, /could not be written whole/],
  ] as const)('on a full disk is tried again and says why, until there is room: %s', async (kind, blocks, message) => {
    const set = await filled();
    const queue = `full-${kind}`;
    const full = await startWorker(queue, `ulimit -f ${blocks};`);
    const { job_id } = await startIndex(set.datasetId, queue, kind);
    await expect
      .poll(async () => (await bench.status(job_id)).retrying)
      .toMatchObject({ activity: 'buildSearchIndex', error: { message: expect.stringMatching(message) } });
    expect(await findPublishedIndex(bench.store, set)).toBeUndefined();
    expect(await indexFiles(set.datasetId)).toBe(0);
    full.kill('SIGKILL');
    await startWorker(queue);
    expect(await bench.wait(job_id)).toMatchObject({ state: 'completed' });
    expect(await findPublishedIndex(bench.store, set)).toMatchObject({ kind, vectors: COUNT });
    expect(await indexFiles(set.datasetId)).toBe(kind === 'exact' ? 2 : 3);
  });

  it('that goes on from before a reset does not end the phase of the run after it', async () => {
    const set = await filled();
    const gates: PromiseWithResolvers<void>[] = [];
    const reached: PromiseWithResolvers<void>[] = [Promise.withResolvers(), Promise.withResolvers()];
    const newBuilder = (): IndexBuilder => {
      const builder = createProcessBuilder();
      const number = gates.push(Promise.withResolvers()) - 1;
      return {
        ...builder,
        async finish() {
          reached[number]?.resolve();
          await gates[number]?.promise;
          return builder.finish();
        },
      };
    };
    const { buildSearchIndex } = createSearchIndexActivities({
      store: bench.store,
      newBuilder,
      cache: join(bench.folder, 'cache-of-reset'),
    });
    const ended: Promise<unknown>[] = [];
    const connection = await NativeConnection.connect({ address: inject('temporalAddress') });
    const worker = await Worker.create({
      connection,
      taskQueue: 'reset',
      activities: {
        buildSearchIndex(input: Parameters<typeof buildSearchIndex>[0]) {
          const end = buildSearchIndex(input);
          ended.push(end.catch((error) => error));
          return end;
        },
      },
    });
    const running = worker.run();
    onTestFinished(async () => {
      for (const gate of gates) gate.resolve();
      worker.shutdown();
      await running;
      await connection.close();
    });

    const { job_id, workflow_id } = await startIndex(set.datasetId, 'reset');
    await reached[0]?.promise;
    const handle = bench.temporal.workflow.getHandle(workflow_id, job_id);
    const { events } = await handle.fetchHistory();
    const first = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId;
    await bench.temporal.connection.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: workflow_id, runId: job_id },
      reason: 'a test',
      workflowTaskFinishEventId: Long.fromValue(first as Long),
      requestId: job_id,
    });
    await reached[1]?.promise;
    gates[0]?.resolve();
    // On a busy machine, the cancellation of its run may end it first.
    const failure = (await ended[0]) as { code?: unknown; name?: string };
    expect([failure.code, failure.name]).toContain(failure.code === 'Superseded' ? 'Superseded' : 'AbortError');
    expect(await collectionsOf(bench.store).jobs.findOne({ _id: job_id })).toMatchObject({
      state: 'running',
      phases: { embedding: { state: 'running' } },
    });
    gates[1]?.resolve();
    expect(await bench.wait(job_id)).toMatchObject({ job_id, state: 'completed' });
    expect(await findPublishedIndex(bench.store, set)).toMatchObject({ kind: 'f32', vectors: COUNT });
    expect(await indexFiles(set.datasetId)).toBe(3);
  });
});
