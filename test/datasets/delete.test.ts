import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { deleteDataset } from '../../core/deleting/delete-dataset.ts';
import { indexPage } from '../../core/indexing/index-page.ts';
import { createSourceLister } from '../../core/indexing/list-source.ts';
import { recordJob } from '../../core/jobs/begin.ts';
import { endJob } from '../../core/jobs/phases.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import type { Medium } from '../../core/media/medium.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { createSelection } from '../../core/sources/selection.ts';
import { createSources } from '../../core/sources/source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { markDeleting, openDataset } from '../../core/store/datasets.ts';
import { pauseSchedulesOf, schedulesOf } from '../../temporal/schedules.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { makePictures } from '../support/pictures.ts';
import { watchedConnection } from '../support/watched-connection.ts';
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

/** Counts the stored documents of a dataset, except the records of its jobs. */
async function remains(datasetId: string) {
  const { datasets, samples, embeddings, jobs, pages, progress } = collectionsOf(bench.store);
  const ids = (await jobs.find({ dataset_id: datasetId }).toArray()).map(({ _id }) => _id);
  return {
    datasets: await datasets.countDocuments({ _id: datasetId }),
    samples: await samples.countDocuments({ dataset_id: datasetId }),
    embeddings: await embeddings.countDocuments({ dataset_id: datasetId }),
    pages: await pages.countDocuments({ job_id: { $in: ids } }),
    progress: await progress.countDocuments({ job_id: { $in: ids } }),
  };
}

const NOTHING = { datasets: 0, samples: 0, embeddings: 0, pages: 0, progress: 0 };

describe('delete', () => {
  it('removes the dataset with its samples and vectors, says how many, and keeps its files and its history', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder(dataset, 8);
    const loaded = await bench.load({ dataset, source });
    expect(await bench.countDelete(dataset)).toEqual({ samples: 8, vectors: 8, schedules: [] });

    const status = await bench.wait((await bench.deleteDataset(dataset)).job_id);

    expect(status).toMatchObject({ kind: 'delete', state: 'completed', removed: { samples: 8, vectors: 8 } });
    expect(await remains(dataset)).toEqual(NOTHING);
    const { jobs } = await bench.jobs({ dataset });
    expect(jobs.map(({ job_id }) => job_id)).toEqual([status.job_id, loaded.job_id]);
    await expect(bench.deleteDataset(dataset)).rejects.toMatchObject({ code: 'DatasetNotFound' });
  });

  it('lets the name be used again, from the first number on', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder(dataset, 3);
    await bench.load({ dataset, source, embed: false });
    await bench.wait((await bench.deleteDataset(dataset)).job_id);

    await bench.load({ dataset, source, embed: false });

    const seqs = await collectionsOf(bench.store).samples.distinct('seq', { dataset_id: dataset });
    expect(seqs).toEqual([0, 1, 2]);
  });

  it('cancels an embedding that runs by itself, and leaves nothing of it', async () => {
    const dataset = bench.newDataset();
    await bench.load({ dataset, source: await pictureFolder(dataset, 1500), embed: false });
    const embedding = await bench.startEmbedding({ dataset });
    for await (const { phases } of bench.watch(embedding.job_id)) if (phases.embedding.done > 0) break;

    const status = await bench.wait((await bench.deleteDataset(dataset)).job_id);

    expect(status).toMatchObject({ state: 'completed', removed: { samples: 1500 } });
    expect(await bench.status(embedding.job_id)).toMatchObject({ state: 'canceled' });
    expect(await remains(dataset)).toEqual(NOTHING);
  });

  it('does not wait for an embedding whose workflow was terminated', async () => {
    const dataset = bench.newDataset();
    await bench.load({ dataset, source: await pictureFolder(dataset, 3), embed: false });
    const embedding = await bench.startEmbedding({ dataset, embed_task_queue: `nobody-${dataset}` });
    for await (const { phases } of bench.watch(embedding.job_id)) if (phases.embedding.state === 'waiting') break;
    await bench.temporal.workflow.getHandle(embedding.workflow_id).terminate('test');

    const status = await bench.wait((await bench.deleteDataset(dataset)).job_id);

    expect(status).toMatchObject({ state: 'completed' });
    expect(await remains(dataset)).toEqual(NOTHING);
  });

  it('is refused while a load of the dataset runs; told to replace it, it ends that first', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder(dataset, 3);
    const load = await bench.startLoad({ dataset, source, embed_task_queue: `nobody-${dataset}` });
    await bench.wait(load.job_id, { for: 'browsable' });

    await expect(bench.deleteDataset(dataset)).rejects.toMatchObject({
      code: 'AlreadyRunning',
      message: expect.stringContaining(load.job_id),
    });
    const deletion = await bench.deleteDataset(dataset, { ifRunning: 'replace' });

    expect(await bench.wait(deletion.job_id)).toMatchObject({ kind: 'delete', state: 'completed' });
    expect(await bench.status(load.job_id)).toMatchObject({ state: 'canceled' });
    expect(await remains(dataset)).toEqual(NOTHING);
  });
});

describe('a namespace with many schedules', () => {
  const MANY = 40;

  it('is searched with signs of life, many schedules at a time', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder(dataset, 1);
    const names = Array.from({ length: MANY }, (_, n) => `${dataset}-${n}`);
    for (const name of names)
      await bench.schedules.create({ name, load: { dataset, source, embed: false }, every_seconds: 3600 });
    let underWay = 0;
    let most = 0;
    const connection = await watchedConnection(inject('temporalAddress'), {
      onAsk(rpc) {
        if (rpc === 'DescribeSchedule') most = Math.max(most, ++underWay);
      },
      onAnswer(rpc, status) {
        if (rpc === 'DescribeSchedule') underWay -= 1;
        return status;
      },
    });
    const temporal = new Client({ connection });
    let signs = 0;
    const steps = { onStep: () => void signs++, signal: new AbortController().signal };
    await expect.poll(async () => (await schedulesOf(temporal, dataset, steps)).length).toBe(MANY);
    expect(most).toBeGreaterThan(4);

    signs = 0;
    await pauseSchedulesOf(temporal, { dataset, jobId: 'a-job', ...steps });
    expect(signs).toBeGreaterThan(2 * MANY);
    expect(await schedulesOf(temporal, dataset)).toEqual([]);

    const stopped = AbortSignal.abort(new Error('canceled'));
    await expect(schedulesOf(temporal, dataset, { ...steps, signal: stopped })).rejects.toThrow('canceled');
    await Promise.all(names.map((name) => bench.schedules.delete(name)));
    await connection.close();
  });
});

describe('a schedule that loads the dataset', () => {
  it('is named before a deletion and paused by it, and others go on', async () => {
    const [dataset, other] = [bench.newDataset(), bench.newDataset()];
    const source = await pictureFolder(dataset, 2);
    await bench.load({ dataset, source, embed: false });
    for (const [name, of] of [
      [`${dataset}-nightly`, dataset],
      [other, other],
    ] as const) {
      await bench.schedules.create({ name, load: { dataset: of, source, embed: false }, every_seconds: 3600 });
    }
    await expect.poll(async () => (await bench.countDelete(dataset)).schedules).toEqual([`${dataset}-nightly`]);
    await expect.poll(async () => (await bench.schedules.list()).map(({ name }) => name)).toContain(other);

    // A schedule of the whole source would bring a folder of it back.
    const makeSample = { dataset_id: dataset, seq: 99, filepath: `${source}/sub/a.jpg`, part: 0, status: 'indexed' };
    await collectionsOf(bench.store).samples.insertOne(makeSample as never);
    expect(await bench.countForget({ dataset, source: `${source}/sub` })).toEqual({
      samples: 1,
      vectors: 0,
      schedules: [`${dataset}-nightly`],
    });

    const { job_id } = await bench.deleteDataset(dataset);

    expect(await bench.wait(job_id)).toMatchObject({ state: 'completed' });
    expect(await bench.schedules.get(`${dataset}-nightly`)).toMatchObject({
      paused: true,
      note: `The dataset ${dataset} was deleted, by job ${job_id}.`,
    });
    expect(await bench.schedules.get(other)).toMatchObject({ paused: false });
    await Promise.all([`${dataset}-nightly`, other].map((name) => bench.schedules.delete(name)));
  });
});

describe('a deletion that was broken off', () => {
  it('lets no other job begin on the dataset until another deletion has ended it', async () => {
    const dataset = bench.newDataset();
    const source = await pictureFolder(dataset, 3);
    await bench.load({ dataset, source, embed: false });
    await markDeleting(bench.store, dataset, 'broken-off');

    const refused = { state: 'failed', error: { code: 'DatasetBeingDeleted' } };
    expect(await bench.load({ dataset, source })).toMatchObject(refused);
    expect(await bench.embed({ dataset })).toMatchObject(refused);
    expect(await bench.wait((await bench.prune(dataset)).job_id)).toMatchObject(refused);
    const forget = await bench.forget({ dataset, source });
    expect(await bench.wait(forget.job_id)).toMatchObject(refused);
    expect(await bench.wait((await bench.retry(dataset)).job_id)).toMatchObject(refused);
    expect((await remains(dataset)).samples).toBe(3);

    const status = await bench.wait((await bench.deleteDataset(dataset)).job_id);

    expect(status).toMatchObject({ state: 'completed', removed: { samples: 3 } });
    expect(await remains(dataset)).toEqual(NOTHING);
  });

  it('is ended by the next attempt with exact counts, whatever was left', async () => {
    const datasetId = bench.newDataset();
    const jobId = `delete-${datasetId}`;
    await makeDocuments(datasetId, 5000);
    await recordJob(bench.store, { jobId, workflowId: '', kind: 'delete', datasetId, request: {}, embeds: false });
    await markDeleting(bench.store, datasetId, jobId);

    // Two models of three batches each, then three batches of samples: broken off in each of the stages.
    for (const batches of [2, 3, 3]) {
      const stop = new AbortController();
      let left = batches;
      const onStep = () => {
        left -= 1;
        if (left === 0) stop.abort(new Error('killed'));
      };
      const attempt = deleteDataset(bench.store, { jobId, datasetId, onStep, signal: stop.signal });
      await expect(attempt).rejects.toThrow('killed');
      expect(await collectionsOf(bench.store).datasets.countDocuments({ _id: datasetId })).toBe(1);
    }
    const { signal } = new AbortController();
    const removed = await deleteDataset(bench.store, { jobId, datasetId, onStep: () => undefined, signal });

    expect(removed).toEqual({ samples: 5000, vectors: 10_000 });
    expect(await remains(datasetId)).toEqual(NOTHING);
  });

  it('touches nothing of a new dataset that has its name', async () => {
    const datasetId = bench.newDataset();
    const jobId = `delete-${datasetId}`;
    await makeDocuments(datasetId, 10);
    await recordJob(bench.store, { jobId, workflowId: '', kind: 'delete', datasetId, request: {}, embeds: false });

    const { signal } = new AbortController();
    const attempt = deleteDataset(bench.store, { jobId, datasetId, onStep: () => undefined, signal });

    await expect(attempt).rejects.toMatchObject({ code: 'Superseded' });
    expect(await collectionsOf(bench.store).samples.countDocuments({ dataset_id: datasetId })).toBe(10);
    expect(await collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: datasetId })).toBe(20);
  });
});

describe('an indexing activity that outlived its load', () => {
  /** A load that is held in the middle of a page: its first batch is written, the rest waits. */
  async function heldLoad(datasetId: string, jobId: string) {
    const { store } = bench;
    const source = join(bench.folder, datasetId);
    await makeManyFiles(source, 2500);
    const { signal } = new AbortController();
    const load = { jobId, workflowId: '', kind: 'load', datasetId, request: {}, embeds: false } as const;
    await recordJob(store, load);
    await openDataset(store, { datasetId, mediaType: 'image', source, jobId });
    const sources = createSources([folderSource()]);
    const images = imagesMedium();
    const list = createSourceLister(store, sources);
    const listing = { jobId, datasetId, root: source, selection: createSelection(images.accepts), onStep() {}, signal };
    for (let page: number | null = 0; page !== null; page = (await list({ ...listing, page })).next);
    const [largest] = await collectionsOf(store)
      .pages.aggregate<{ n: number; size: number }>([
        { $match: { job_id: jobId } },
        { $project: { n: 1, size: { $size: '$files' } } },
        { $sort: { size: -1 } },
      ])
      .toArray();
    const [held, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let batches = 0;
    const medium: Medium = {
      ...images,
      async expand(...args) {
        const expansions = await images.expand(...args);
        batches += 1;
        if (batches > 1) await gate.promise;
        return expansions;
      },
    };
    const page = { jobId, datasetId, page: largest?.n ?? 0, onWrite: () => held.resolve(), onRead() {}, signal };
    const indexing = indexPage(store, { medium, sources }, page);
    await held.promise;
    return { source, largest, indexing, letGo: () => gate.resolve() };
  }

  it('writes nothing of a dataset that was deleted meanwhile', async () => {
    const [datasetId, jobId] = [bench.newDataset(), `delete-${Math.random()}`];
    const { store } = bench;
    const { largest, indexing, letGo } = await heldLoad(datasetId, `load-${Math.random()}`);
    expect(largest?.size).toBeGreaterThan(1000);
    await recordJob(store, { jobId, workflowId: '', kind: 'delete', datasetId, request: {}, embeds: false });
    await markDeleting(store, datasetId, jobId);
    const { signal } = new AbortController();
    await deleteDataset(store, { jobId, datasetId, onStep: () => undefined, signal });

    letGo();

    await expect(indexing).rejects.toMatchObject({ code: 'Superseded' });
    expect(await remains(datasetId)).toEqual(NOTHING);
  });

  it('writes nothing more once its load is over', async () => {
    const [datasetId, jobId] = [bench.newDataset(), `load-${Math.random()}`];
    const { indexing, letGo } = await heldLoad(datasetId, jobId);
    await endJob(bench.store, jobId, 'canceled');

    letGo();

    await expect(indexing).rejects.toMatchObject({ code: 'Superseded' });
    expect(await collectionsOf(bench.store).samples.countDocuments({ dataset_id: datasetId })).toBe(1000);
  });
});

/** Documents alone, as many as take several batches. */
async function makeDocuments(datasetId: string, count: number): Promise<void> {
  const seqs = Array.from({ length: count }, (_, seq) => seq);
  await collectionsOf(bench.store).datasets.insertOne({ _id: datasetId } as never);
  await collectionsOf(bench.store).samples.insertMany(
    seqs.map((seq) => ({ dataset_id: datasetId, seq, filepath: `/${datasetId}/${seq}`, status: 'indexed' }) as never),
  );
  for (const model_key of ['a@1', 'b@1']) {
    await collectionsOf(bench.store).embeddings.insertMany(
      seqs.map((seq) => ({ dataset_id: datasetId, seq, model_key }) as never),
    );
  }
}
