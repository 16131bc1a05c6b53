import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordQueued } from '../../core/jobs/begin.ts';
import { readinessOf } from '../../core/jobs/readiness.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { getDataset } from '../../core/store/datasets.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.stop());

async function pictureFolder(name: string, count: number): Promise<string> {
  const folder = join(bench.folder, name);
  await mkdir(folder, { recursive: true });
  await makePictures(folder, count);
  return folder;
}

const samplesOf = (dataset: string): Promise<SampleDocument[]> =>
  collectionsOf(bench.store).samples.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();

const vectorsOf = (dataset: string) =>
  collectionsOf(bench.store).embeddings.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();

describe('a first load', () => {
  it('stores one sample a file, numbered densely in the order of paths, and one vector a sample', async () => {
    const source = await pictureFolder('first', 120);
    const dataset = bench.newDataset();

    const status = await bench.load({ dataset, source });

    expect(status).toMatchObject({ state: 'completed', error: null });
    expect(status.phases.indexing).toMatchObject({ state: 'completed', done: 120, failed: 0, total: 120 });
    expect(status.phases.indexing.outcomes).toMatchObject({ added: 120, unchanged: 0, missing: 0 });
    expect(status.phases.embedding).toMatchObject({ state: 'completed', done: 120, failed: 0, total: 120 });
    const samples = await samplesOf(dataset);
    expect(samples.map((sample) => sample.seq)).toEqual(Array.from({ length: 120 }, (_, i) => i));
    const paths = samples.map((sample) => sample.filepath);
    expect(paths).toEqual(paths.toSorted());
    expect(samples.every((sample) => Number(sample.metadata?.width) > 0)).toBe(true);
    const vectors = await vectorsOf(dataset);
    expect(vectors.map((vector) => vector.seq)).toEqual(samples.map((sample) => sample.seq));
    const [vector] = vectors;
    expect(vector?.vector.toFloat32Array()).toHaveLength(vector?.dim ?? -1);
    const record = await collectionsOf(bench.store).datasets.findOne({ _id: dataset });
    expect(record).toMatchObject({ next_seq: 120, counts: { total: 120, indexed: 120, failed: 0, missing: 0 } });
    expect(record?.models).toMatchObject([{ key: vector?.model_key, vectors: 120 }]);
  });

  it('leaves none of its working documents behind', async () => {
    const dataset = bench.newDataset();
    const { job_id } = await bench.load({ dataset, source: await pictureFolder('tidy', 5) });

    expect(await collectionsOf(bench.store).pages.countDocuments({ job_id: job_id })).toBe(0);
    expect(await collectionsOf(bench.store).progress.countDocuments({ job_id: job_id })).toBe(0);
  });

  it('skips embedding when told to, and embeds later by a job of its own', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder('later', 10);

    const load = await bench.load({ dataset, source, embed: false });
    expect(load.phases.embedding.state).toBe('skipped');
    expect(await vectorsOf(dataset)).toHaveLength(0);
    expect(readinessOf(await getDataset(bench.store, dataset))).toBe('browsable');

    const embedding = await bench.embed({ dataset });
    expect(embedding).toMatchObject({ kind: 'embed', state: 'completed' });
    expect(embedding.phases.indexing.state).toBe('skipped');
    expect(embedding.phases.embedding).toMatchObject({ done: 10, total: 10 });
    expect(await vectorsOf(dataset)).toHaveLength(10);
    expect(readinessOf(await getDataset(bench.store, dataset))).toBe('ready');
  });

  it('is browsable while it waits for a worker of the embedding queue, and says so', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder('waiting', 10);
    const nobody = `nobody-${dataset}`;

    const { job_id } = await bench.startLoad({ dataset, source, embed_task_queue: nobody });
    const status = await bench.wait(job_id, { for: 'browsable' });
    expect(status.state).toBe('running');
    expect(await samplesOf(dataset)).toHaveLength(10);

    for await (const { phases } of bench.watch(job_id)) if (phases.embedding.state === 'waiting') break;
    const { phases } = await bench.status(job_id);
    expect(phases.embedding.waiting_for).toMatchObject({ reason: 'worker', task_queue: nobody });
    await bench.temporal.workflow.getHandle(`load-${dataset}`).cancel();
    expect(await bench.wait(job_id)).toMatchObject({ state: 'canceled', phases: { embedding: { state: 'canceled' } } });
    expect(await samplesOf(dataset)).toHaveLength(10);
  });
});

describe('loading again', () => {
  it('does only what changed', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder('again', 40);
    await bench.load({ dataset, source });
    const before = await samplesOf(dataset);
    const vectorsBefore = await vectorsOf(dataset);
    const [kept, changed, gone] = before as [SampleDocument, SampleDocument, SampleDocument];
    await collectionsOf(bench.store).samples.updateOne({ _id: changed._id }, { $set: { tags: ['mine'] } });

    await copyFile(kept.filepath, join(source, 'zz-new.jpg'));
    await copyFile(kept.filepath, changed.filepath);
    await utimes(changed.filepath, new Date(), new Date(Date.now() + 5000));
    await rm(gone.filepath);
    const status = await bench.load({ dataset, source });

    expect(status.phases.indexing.outcomes).toMatchObject({
      added: 1,
      changed: 1,
      unchanged: 38,
      missing: 1,
      failed: 0,
    });
    expect(status.phases.embedding).toMatchObject({ done: 2, total: 2 });
    const after = await samplesOf(dataset);
    expect(after).toHaveLength(41);
    expect(after[0]).toEqual(kept);
    expect(after[1]).toMatchObject({ _id: changed._id, seq: changed.seq, tags: ['mine'], status: 'indexed' });
    expect(after[2]).toMatchObject({ _id: gone._id, status: 'missing' });
    expect(after[40]).toMatchObject({ seq: 40, filepath: join(source, 'zz-new.jpg') });
    const vectors = await vectorsOf(dataset);
    expect(vectors).toHaveLength(41);
    expect(vectors[0]).toEqual(vectorsBefore[0]);
    expect(vectors[2]).toEqual(vectorsBefore[2]);
    expect(vectors[1]?.version).toBe(after[1]?.source.fingerprint);
  });

  it('takes a file back that was missing', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder('back', 4);
    await bench.load({ dataset, source });
    const [sample] = (await samplesOf(dataset)) as [SampleDocument];
    const aside = join(bench.folder, 'aside.jpg');

    await rename(sample.filepath, aside);
    await bench.load({ dataset, source });
    expect((await samplesOf(dataset))[0]).toMatchObject({ status: 'missing' });
    await rename(aside, sample.filepath);
    const status = await bench.load({ dataset, source });

    expect((await samplesOf(dataset))[0]).toMatchObject({ _id: sample._id, status: 'indexed' });
    // Moving a file changes its change time: its content is looked at, and is known.
    expect(status.phases.embedding).toMatchObject({ total: 1, reused: 1 });
  });

  it('keeps a dataset as it is when its folder has become empty', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder('unmounted', 4);
    await bench.load({ dataset, source });
    const before = await samplesOf(dataset);

    await rm(source, { recursive: true });
    await mkdir(source);
    expect(await bench.load({ dataset, source })).toMatchObject({ state: 'failed', error: { code: 'SourceEmpty' } });
    await mkdir(join(source, 'lost+found'));
    expect(await bench.load({ dataset, source })).toMatchObject({ state: 'failed', error: { code: 'SourceEmpty' } });

    expect(await samplesOf(dataset)).toEqual(before);
  });

  it('adds a second source to a dataset without touching what is of the first', async () => {
    const dataset = bench.newDataset();
    const [a, b] = [await pictureFolder('sources/a', 3), await pictureFolder('sources/a-b', 3)];

    await bench.load({ dataset, source: a });
    const status = await bench.load({ dataset, source: b });

    expect(status.phases.indexing.outcomes).toMatchObject({ added: 3, missing: 0 });
    expect((await collectionsOf(bench.store).datasets.findOne({ _id: dataset }))?.sources).toEqual([a, b]);
    expect((await samplesOf(dataset)).map((sample) => sample.status)).toEqual(Array(6).fill('indexed'));
  });

  it('lets a dataset be loaded by one job at a time, and names the one that runs', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder('once', 5);
    const first = await bench.startLoad({ dataset, source, embed_task_queue: `nobody-${dataset}` });

    await expect(bench.startLoad({ dataset, source })).rejects.toMatchObject({
      code: 'AlreadyRunning',
      message: expect.stringContaining(first.job_id),
    });
    await bench.temporal.workflow.getHandle(first.workflow_id).terminate('test');
    await expect(bench.wait(first.job_id)).resolves.toMatchObject({ state: 'failed', error: { code: 'Terminated' } });
  });
});

describe('two jobs that embed one dataset with one model', () => {
  it('go one after the other: a load waits for the embedding that runs, then does what is left', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder('both', 6);
    await bench.load({ dataset, source, embed: false });
    const held = await bench.startEmbedding({ dataset, embed_task_queue: `nobody-${dataset}` });

    const load = await bench.startLoad({ dataset, source });
    expect(await bench.wait(load.job_id, { for: 'browsable' })).toMatchObject({ state: 'running' });
    await bench.temporal.workflow.getHandle(held.workflow_id).cancel();

    expect(await bench.wait(held.job_id)).toMatchObject({ state: 'canceled' });
    expect(await bench.wait(load.job_id)).toMatchObject({ state: 'completed', phases: { embedding: { done: 6 } } });
    expect(await vectorsOf(dataset)).toHaveLength(6);
  });
});

describe('cancelling a load', () => {
  it('ends it also when the embedding worker went away in the middle', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder('worker-gone', 2500);
    const embed_task_queue = `leaving-${dataset}`;
    const leave = await bench.startWorker('embedding', { taskQueue: embed_task_queue });
    const { job_id, workflow_id } = await bench.startLoad({ dataset, source, embed_task_queue });
    for await (const { phases } of bench.watch(job_id)) if (phases.embedding.done > 0) break;
    await leave();

    await bench.temporal.workflow.getHandle(workflow_id).cancel();

    expect(await bench.wait(job_id)).toMatchObject({ state: 'canceled', phases: { embedding: { state: 'canceled' } } });
  });

  it('ends its record also when it is canceled before a worker has begun it', async () => {
    const dataset = bench.newDataset();
    const taskQueue = `late-${dataset}`;
    const workflow_id = `load-${dataset}`;
    const handle = await bench.temporal.workflow.start('loadDataset', {
      taskQueue,
      workflowId: workflow_id,
      args: [{ dataset, source: await pictureFolder('late', 3), embed: false }],
    });
    expect(await bench.status(dataset)).toMatchObject({ job_id: handle.firstExecutionRunId, state: 'queued' });
    await handle.cancel();
    await bench.startWorker('indexing', { taskQueue });

    expect(await bench.wait(dataset)).toMatchObject({ state: 'canceled', job_id: handle.firstExecutionRunId });
  });

  it.each(['indexing', 'embedding'] as const)('in its %s phase ends it and keeps what was done', async (phase) => {
    const dataset = bench.newDataset();
    const source = phase === 'indexing' ? join(bench.folder, 'cancel-many') : await pictureFolder('cancel', 1200);
    if (phase === 'indexing') await makeManyFiles(source, 20_000);
    const { job_id, workflow_id } = await bench.startLoad({ dataset, source });
    for await (const { phases } of bench.watch(job_id)) if (phases[phase].done > 0) break;

    await bench.temporal.workflow.getHandle(workflow_id).cancel();
    const status = await bench.wait(job_id);

    expect(status).toMatchObject({
      state: 'canceled',
      error: { code: 'Canceled' },
      phases: { [phase]: { state: 'canceled' } },
    });
    expect(status.phases[phase].done).toBeGreaterThan(0);
    expect(status.phases[phase].done).toBeLessThan(status.phases[phase].total);
    const stored = phase === 'indexing' ? await samplesOf(dataset) : await vectorsOf(dataset);
    expect(stored.length).toBeGreaterThanOrEqual(status.phases[phase].done);

    const again = await bench.load({ dataset, source, embed: phase === 'embedding' });
    expect(again.phases.indexing.outcomes?.missing).toBe(0);
    expect(again).toMatchObject({ state: 'completed' });
  });
});

describe('a source that can not be loaded', () => {
  it.each([
    ['is not there', 'SourceNotFound', () => {}],
    ['is empty', 'SourceEmpty', (source: string) => mkdir(source)],
    ['is a file', 'SourceNotAFolder', (source: string) => writeFile(source, '')],
    ['is a link to itself', 'SourceUnreadable', (source: string) => symlink(source, source)],
    [
      'holds no image',
      'SourceEmpty',
      async (source: string) => {
        await mkdir(source);
        await writeFile(join(source, 'song.mp3'), '');
      },
    ],
  ])('fails at once when it %s: %s', async (_, code, make) => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, `bad-${dataset}`);
    await make(source);

    const status = await bench.load({ dataset, source });

    expect(status).toMatchObject({ state: 'failed', error: { code, message: expect.stringContaining(source) } });
    expect(await samplesOf(dataset)).toHaveLength(0);
  });
});

describe('a relative path', () => {
  it('is refused: it would mean another folder on each worker', async () => {
    const status = await bench.load({ dataset: bench.newDataset(), source: 'photos' });

    expect(status).toMatchObject({ state: 'failed', error: { code: 'SourceNotAbsolute' } });
  });
});

describe('a model named with its revision', () => {
  it('is held to it', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder('revision', 3);
    const { phases } = await bench.load({ dataset, source });
    const model = phases.embedding.model_key as string;

    expect(await bench.embed({ dataset, model })).toMatchObject({
      state: 'completed',
      phases: { embedding: { total: 0 } },
    });
    const other = await bench.embed({ dataset, model: model.replace(/@.*/, '@000000000000') });
    expect(other).toMatchObject({ state: 'failed', error: { code: 'ModelChanged' } });
  });
});

describe('a job whose workflow Temporal does not know any more', () => {
  it('is shown as lost, and a wait for it ends', async () => {
    const [job_id, datasetId] = [randomUUID(), bench.newDataset()];
    const workflowId = `load-${datasetId}`;
    await recordQueued(bench.store, { jobId: job_id, workflowId, kind: 'load', datasetId, request: {}, embeds: true });

    expect(await bench.wait(job_id)).toMatchObject({ state: 'failed', error: { code: 'WorkflowLost' } });
  });
});

describe('a model that can not be used', () => {
  it('fails the embedding and leaves the dataset browsable', async () => {
    const dataset = bench.newDataset();
    const status = await bench.load({ dataset, source: await pictureFolder('no-model', 3), model: 'no-such-model' });

    expect(status).toMatchObject({ state: 'failed', error: { code: 'ModelNotFound' } });
    expect(status.phases).toMatchObject({ indexing: { state: 'completed', done: 3 }, embedding: { state: 'failed' } });
    expect(await collectionsOf(bench.store).datasets.findOne({ _id: dataset })).toMatchObject({
      phases: { indexing: { state: 'completed' } },
    });
  });
});

describe('malformed workflow input, as Temporal’s own CLI may send it', () => {
  it.each([
    ['dataset', { dataset: 'Über Photos', source: '/tmp' }],
    ['source', { dataset: 'ok' }],
    ['max_failed_percent', { dataset: 'ok', source: '/tmp', max_failed_percent: 101 }],
    ['colour', { dataset: 'ok', source: '/tmp', colour: 1 }],
    ['the input', null],
  ])('fails at once, naming %s', async (field, input) => {
    const workflowId = `malformed-${bench.newDataset()}`;
    const run = bench.temporal.workflow.execute('loadDataset', {
      taskQueue: bench.taskQueue,
      workflowId,
      args: [input],
    });

    await expect(run).rejects.toMatchObject({
      cause: { type: 'InvalidInput', nonRetryable: true, message: expect.stringContaining(field) },
    });
  });
});
