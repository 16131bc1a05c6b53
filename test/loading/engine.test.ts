import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ObjectId } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lackingSamples } from '../../core/embedding/lacking.ts';
import { planEmbedding } from '../../core/embedding/plan.ts';
import { indexPage } from '../../core/indexing/index-page.ts';
import { createSourceLister } from '../../core/indexing/list-source.ts';
import { recordJob } from '../../core/jobs/begin.ts';
import { endPhase } from '../../core/jobs/phases.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import type { Medium } from '../../core/media/medium.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { createSelection } from '../../core/sources/selection.ts';
import { createSources } from '../../core/sources/source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openDataset } from '../../core/store/datasets.ts';
import { noteDevice } from '../../core/store/jobs.ts';
import { progressId, raiseProgress, sumProgress } from '../../core/store/progress.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
});
afterAll(() => bench.stop());

const { signal } = new AbortController();
const images = imagesMedium();
const folders = folderSource();
const sources = createSources([folders]);

async function begin(source: string, jobId = `load-${Math.random()}`, datasetId = bench.newDataset()) {
  const { store } = bench;
  await recordJob(store, { jobId, workflowId: 'w', kind: 'load', datasetId, request: {}, embeds: true });
  await noteDevice(store, jobId, await folders.identity(source));
  await openDataset(store, { datasetId, mediaType: 'image', source, jobId });
  const listing = { jobId, datasetId, root: source, selection: createSelection(images.accepts), onStep() {}, signal };
  return { jobId, datasetId, listing };
}

describe('listing', () => {
  it('breaks off when its source goes away, and marks nothing', async () => {
    const source = join(bench.folder, 'unmounted');
    for (const name of ['a', 'b', 'c']) await makePictures(join(source, name), 200);
    const dataset = bench.newDataset();
    await bench.load({ dataset, source, embed: false });

    // A listing that finds nothing to index goes on. This one returns after its first page.
    await makePictures(join(source, '0'), 1);
    const { listing } = await begin(source, 'a-second-load', dataset);
    const list = createSourceLister(bench.store, sources);
    expect(await list({ ...listing, page: 0 })).toMatchObject({ next: 1 });
    await rename(source, `${source}-away`);

    await expect(list({ ...listing, page: 1 })).rejects.toMatchObject({ code: 'SourceNotFound' });
    expect(await collectionsOf(bench.store).pages.countDocuments({ job_id: 'a-second-load', gone: { $ne: [] } })).toBe(
      0,
    );
  });

  it('counts as unknown, not as missing, what was in a subfolder that goes away', async () => {
    const source = join(bench.folder, 'sub-unmounted');
    for (const name of ['a', 'b']) await makePictures(join(source, name), 300);
    const dataset = bench.newDataset();
    await bench.load({ dataset, source, embed: false });

    await makePictures(join(source, '0'), 1);
    const { listing, jobId } = await begin(source, undefined, dataset);
    const list = createSourceLister(bench.store, sources);
    expect(await list({ ...listing, page: 0 })).toMatchObject({ next: 1 });
    await rm(join(source, 'b'), { recursive: true });
    expect(await list({ ...listing, page: 1 })).toMatchObject({ next: null });

    const outcomes = (await sumProgress(bench.store, jobId)).get('indexing')?.outcomes;
    expect(outcomes).toMatchObject({ missing: 0, unreadable_folders: 1, unchanged: 300 });
  });

  it('takes tens of thousands of files that are gone in bounded pages, and counts each once', async () => {
    const source = join(bench.folder, 'moved');
    await makeManyFiles(join(source, 'm/files'), 25_000);
    // `makeManyFiles` leaves one more file: the picture that it copies.
    await makePictures(join(source, 'z'), 3);
    const dataset = bench.newDataset();
    await bench.load({ dataset, source, embed: false });

    await rm(join(source, 'm'), { recursive: true });
    const status = await bench.load({ dataset, source, embed: false });

    expect(status).toMatchObject({ state: 'completed', phases: { indexing: { done: 3, total: 3 } } });
    expect(status.phases.indexing.outcomes).toMatchObject({ missing: 25_001, unchanged: 3 });
    expect(await collectionsOf(bench.store).samples.countDocuments({ dataset_id: dataset, status: 'missing' })).toBe(
      25_001,
    );
  });
});

describe('indexing a page', () => {
  it('goes on behind the batches that an earlier attempt wrote, with its counts', async () => {
    const source = join(bench.folder, 'resumed');
    await makeManyFiles(source, 8000);
    const { listing, jobId, datasetId } = await begin(source);
    const list = createSourceLister(bench.store, sources);
    for (let page: number | null = 0; page !== null; page = (await list({ ...listing, page })).next);
    const page = { jobId, datasetId, page: 4, onRead() {}, signal };

    const resume = { batches: 3, added: 3000, changed: 0, failed: 0 };
    const read: number[] = [];
    const medium: Medium = {
      ...images,
      expand(files, ...rest) {
        read.push(files.length);
        return images.expand(files, ...rest);
      },
    };
    const result = await indexPage(bench.store, { medium, sources }, { ...page, resume, onWrite() {} });

    expect(result).toEqual({ added: 4096, changed: 0, failed: 0 });
    expect(read).toEqual([1000, 96]);
  });
});

describe('counts of a chunk', () => {
  const opened = new ObjectId();
  const chunk = { jobId: 'counting', phase: 'indexing', chunk: 0, opened } as const;
  const sums = async () => (await sumProgress(bench.store, 'counting')).get('indexing');

  it('come from one attempt, and never fall', async () => {
    const { store } = bench;
    const [_id, job_id] = [progressId(chunk), 'counting'];
    await collectionsOf(store).progress.insertOne({
      _id,
      job_id,
      opened,
      phase: 'indexing',
      done: 0,
      failed: 0,
      total: 200,
    });
    await raiseProgress(store, chunk, { done: 0, failed: 200, outcomes: { added: 0, failed: 200 } });
    await raiseProgress(store, chunk, { done: 100, failed: 0, outcomes: { added: 100, failed: 0 } });
    expect(await sums()).toMatchObject({ done: 0, failed: 200 });

    await raiseProgress(store, chunk, { done: 200, failed: 0, outcomes: { added: 200, failed: 0 } });
    expect(await sums()).toMatchObject({ done: 200, failed: 0, total: 200, outcomes: { added: 200, failed: 0 } });

    await raiseProgress(store, chunk, { done: 50, failed: 0, outcomes: { added: 50, failed: 0 } });
    expect(await sums()).toMatchObject({ done: 200, failed: 0, outcomes: { added: 200 } });
  });
});

describe('the search for what lacks a vector', () => {
  it('gives signs of life where nothing lacks one, and can be stopped', async () => {
    const { store } = bench;
    const datasetId = bench.newDataset();
    const ids = Array.from({ length: 12_000 }, (_, seq) => seq);
    const fingerprint = 'f';
    await collectionsOf(store).samples.insertMany(
      ids.map((seq) => ({
        dataset_id: datasetId,
        seq,
        filepath: `/${seq}`,
        source: { fingerprint },
        status: 'indexed',
      })) as never,
    );
    await collectionsOf(store).embeddings.insertMany(
      ids.map((seq) => ({ dataset_id: datasetId, seq, model_key: 'm@1', version: fingerprint })) as never,
    );
    const signs: number[] = [];
    const plan = await planEmbedding(store, { datasetId, modelKey: 'm@1', onScan: (seq) => signs.push(seq), signal });
    expect(plan).toEqual({ total: 0, chunks: [] });
    expect(signs).toEqual([4999, 9999]);

    const stopped = AbortSignal.abort(new Error('stop'));
    const scan = lackingSamples(store, {
      datasetId,
      modelKey: 'm@1',
      from: 0,
      to: 12_000,
      onScan() {},
      signal: stopped,
    });
    await expect(Array.fromAsync(scan)).rejects.toThrow('stop');
  });
});

describe('the end of an old load', () => {
  it('leaves alone what a newer one of the dataset has reached', async () => {
    const source = join(bench.folder, 'order');
    await mkdir(source);
    const old = await begin(source);
    const newer = await begin(source, 'newer', old.datasetId);
    await endPhase(bench.store, newer.jobId, 'indexing', 'completed');

    await endPhase(bench.store, old.jobId, 'indexing', 'failed');

    const dataset = await collectionsOf(bench.store).datasets.findOne({ _id: old.datasetId });
    expect(dataset?.phases.indexing).toMatchObject({ state: 'completed', job_id: 'newer' });
  });
});
