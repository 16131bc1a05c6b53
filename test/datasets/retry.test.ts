import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobStatus } from '../../contract/job.ts';
import { listFailed } from '../../core/indexing/list-failed.ts';
import { recordJob } from '../../core/jobs/begin.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { createSources } from '../../core/sources/source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { drawPicture, makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.stop());

async function folderWith(name: string, { pictures, broken }: { pictures: number; broken: string[] }): Promise<string> {
  const folder = join(bench.folder, name);
  await mkdir(folder, { recursive: true });
  await makePictures(folder, pictures);
  await Promise.all(broken.map((file) => writeFile(join(folder, file), 'not a picture')));
  return folder;
}

/** Its header can be read, its pixels can't. */
async function writeTruncated(path: string): Promise<void> {
  const whole = await drawPicture(99);
  await writeFile(path, whole.subarray(0, whole.length - 200));
}

const retry = async (reference: string): Promise<JobStatus> => bench.wait((await bench.retry(reference)).job_id);

const samplesOf = (dataset: string) =>
  collectionsOf(bench.store).samples.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();

const vectorsOf = (dataset: string) =>
  collectionsOf(bench.store).embeddings.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();

describe('retry', () => {
  it('reads only files that could not be read, and embeds those that now can', async () => {
    const dataset = bench.newDataset();
    const source = await folderWith(dataset, { pictures: 4, broken: ['a-mended.jpg', 'b-gone.jpg', 'c-bad.jpg'] });
    await bench.load({ dataset, source });
    const before = await samplesOf(dataset);
    await writeFile(join(source, 'a-mended.jpg'), await drawPicture(7));
    await rm(join(source, 'b-gone.jpg'));
    await writeFile(join(source, 'd-new.jpg'), await drawPicture(8));

    const status = await retry(dataset);

    expect(status).toMatchObject({ kind: 'retry', state: 'completed', error: null });
    expect(status.phases.indexing).toMatchObject({ state: 'completed', done: 1, failed: 2, total: 3 });
    expect(status.phases.indexing.outcomes).toMatchObject({ added: 0, changed: 1, failed: 2, missing: 0 });
    expect(status.phases.indexing.failures).toEqual({ not_an_image: 1, file_not_found: 1 });
    expect(status.phases.embedding).toMatchObject({ state: 'completed', done: 1, failed: 0, total: 1 });
    const after = await samplesOf(dataset);
    expect(after.map(({ seq, filepath }) => [seq, filepath])).toEqual(
      before.map(({ seq, filepath }) => [seq, filepath]),
    );
    expect(after.map(({ status: state, error }) => error?.code ?? state)).toEqual([
      'indexed',
      'file_not_found',
      'not_an_image',
      ...Array(4).fill('indexed'),
    ]);
    expect(await vectorsOf(dataset)).toHaveLength(5);
    expect(await collectionsOf(bench.store).datasets.findOne({ _id: dataset })).toMatchObject({
      counts: { total: 7, indexed: 5, failed: 2, missing: 0 },
      models: [{ vectors: 5 }],
    });
  });

  it('embeds only what could not be embedded, with the model that failed', async () => {
    const dataset = bench.newDataset();
    const source = await folderWith(dataset, { pictures: 4, broken: [] });
    const path = join(source, 'a-truncated.jpg');
    await writeTruncated(path);
    const load = await bench.load({ dataset, source });
    expect(load.phases.embedding).toMatchObject({ done: 4, failed: 1 });
    // Another that lacks its vector, and did not fail.
    await collectionsOf(bench.store).embeddings.deleteOne({ dataset_id: dataset, seq: 2 });

    const again = await retry(load.job_id);
    expect(again.phases.embedding).toMatchObject({ state: 'completed', done: 0, failed: 1, total: 1 });

    await writeFile(path, await drawPicture(99));
    const mended = await retry(again.job_id);

    expect(mended.phases.indexing).toMatchObject({ state: 'completed', done: 1, total: 1 });
    expect(mended.phases.embedding).toMatchObject({ state: 'completed', done: 1, failed: 0, total: 1 });
    expect(mended.phases.embedding.model_key).toBe(load.phases.embedding.model_key);
    expect((await vectorsOf(dataset)).map(({ seq }) => seq)).toEqual([0, 1, 3, 4]);
    expect((await samplesOf(dataset)).filter(({ error }) => error !== undefined)).toEqual([]);
  });

  it('knows a mended file as it is now, so that the next load has nothing to do', async () => {
    const dataset = bench.newDataset();
    const source = await folderWith(dataset, { pictures: 2, broken: [] });
    const paths = ['a-mended.jpg', 'b-as-it-was.jpg'].map((name) => join(source, name));
    for (const path of paths) await writeTruncated(path);
    await bench.load({ dataset, source });
    const whole = await drawPicture(99);
    await writeFile(paths[0] as string, whole);

    const status = await retry(dataset);

    expect(status.phases.indexing).toMatchObject({ state: 'completed', done: 1, failed: 0, total: 1 });
    expect(status.phases.embedding).toMatchObject({ state: 'completed', done: 1, failed: 1 });
    const [mended, asItWas] = await samplesOf(dataset);
    expect(mended).toMatchObject({ source: { size_bytes: whole.length }, metadata: { size_bytes: whole.length } });
    expect(asItWas).toMatchObject({ status: 'indexed', error: { stage: 'embedding' } });
    const again = await bench.load({ dataset, source, embed: false });
    expect(again.phases.indexing.outcomes).toMatchObject({ changed: 0, unchanged: 4 });
  });

  it('completes at once where nothing failed, also when no embedding worker is there', async () => {
    const dataset = bench.newDataset();
    await bench.load({ dataset, source: await folderWith(dataset, { pictures: 3, broken: [] }) });

    const { job_id } = await bench.retry(dataset, { embed_task_queue: `nobody-${dataset}` });
    const status = await bench.wait(job_id);

    expect(status).toMatchObject({
      state: 'completed',
      phases: { indexing: { done: 0, failed: 0, total: 0 }, embedding: { done: 0, failed: 0, total: 0 } },
    });
  });

  it('embeds as the job did that it retries, but for what it is told', async () => {
    const dataset = bench.newDataset();
    const source = await folderWith(dataset, { pictures: 2, broken: ['a.jpg'] });
    const load = await bench.load({
      dataset,
      source,
      priority: 2,
      fairness_key: 'tenant',
      embed_at: '2026-01-01T00:00:00Z',
    });
    await bench.wait((await bench.prune(dataset)).job_id);

    const { request } = await retry(dataset);
    const { model, embed_task_queue } = load.request;
    expect(request).toMatchObject({
      dataset,
      model,
      embed_task_queue,
      priority: 2,
      fairness_key: 'tenant',
      embed: true,
    });
    expect(request).not.toHaveProperty('embed_at');

    const { job_id } = await bench.retry(load.job_id, { embed: false, priority: 5 });
    const changed = await bench.wait(job_id);
    expect(changed.request).toMatchObject({ embed: false, priority: 5, fairness_key: 'tenant' });
    expect(changed.phases.embedding.state).toBe('skipped');
  });

  it('knows no job or dataset that is not there', async () => {
    await expect(bench.retry('no-such-dataset')).rejects.toMatchObject({ code: 'JobNotFound' });
  });

  it('retries a dataset whose jobs were cleaned up', async () => {
    const dataset = bench.newDataset();
    const { job_id, workflow_id } = await bench.load({
      dataset,
      source: await folderWith(dataset, { pictures: 2, broken: ['a.jpg'] }),
      embed: false,
    });
    await collectionsOf(bench.store).jobs.deleteOne({ _id: job_id });
    await bench.temporal.workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: workflow_id },
    });

    await bench.retry(dataset, { embed: false });

    expect(await bench.wait(dataset)).toMatchObject({ state: 'completed', phases: { indexing: { failed: 1 } } });
  });
});

describe('an embedding that was broken off has failed as a whole, and a retry', () => {
  /** Cancels a job that is seen to wait for a worker. */
  const cancelWhileItWaits = async (jobId: string) => {
    for await (const { phases } of bench.watch(jobId)) if (phases.embedding.state === 'waiting') break;
    await bench.cancel(jobId);
    expect((await bench.wait(jobId)).state).toBe('canceled');
  };

  it('embeds the dataset where the model of the load was not there', async () => {
    const dataset = bench.newDataset();
    const source = await folderWith(dataset, { pictures: 3, broken: [] });
    const load = await bench.load({ dataset, source, model: 'no-such-model' });
    expect(load).toMatchObject({ state: 'failed', phases: { indexing: { state: 'completed' } } });

    const { job_id } = await bench.retry(dataset, { model: 'color-gradient-grid' });
    const status = await bench.wait(job_id);

    expect(status).toMatchObject({
      state: 'completed',
      phases: { embedding: { state: 'completed', done: 3, total: 3 } },
    });
    expect(await vectorsOf(dataset)).toHaveLength(3);
  });

  it('embeds what a canceled retry had mended, and all else that lacks a vector', async () => {
    const dataset = bench.newDataset();
    const source = await folderWith(dataset, { pictures: 3, broken: ['a.jpg'] });
    const { job_id } = await bench.load({ dataset, source });
    await writeFile(join(source, 'a.jpg'), await drawPicture(7));
    await collectionsOf(bench.store).embeddings.deleteOne({ dataset_id: dataset, seq: 2 });
    await cancelWhileItWaits((await bench.retry(job_id, { embed_task_queue: `nobody-${dataset}` })).job_id);

    const { phases } = await bench.wait((await bench.retry(job_id)).job_id);

    expect(phases.embedding).toMatchObject({ state: 'completed', done: 2, failed: 0, total: 2 });
    expect(await vectorsOf(dataset)).toHaveLength(4);
  });

  it('embeds what a canceled load had indexed, also with another model than that load had', async () => {
    const dataset = bench.newDataset();
    const source = await folderWith(dataset, { pictures: 3, broken: [] });
    await bench.load({ dataset, source });
    await writeFile(join(source, 'new.jpg'), await drawPicture(8));
    const load = await bench.startLoad({ dataset, source, model: 'x', embed_task_queue: `nobody-${dataset}` });
    await cancelWhileItWaits(load.job_id);

    const again = { model: 'color-gradient-grid', embed_task_queue: bench.embedTaskQueue };
    const { phases } = await bench.wait((await bench.retry(dataset, again)).job_id);

    expect(phases.embedding).toMatchObject({ state: 'completed', done: 1, total: 1 });
  });

  it('asks for no worker where nothing lacks a vector', async () => {
    const dataset = bench.newDataset();
    const source = await folderWith(dataset, { pictures: 2, broken: [] });
    const { job_id } = await bench.load({ dataset, source });
    const embedding = await bench.startEmbedding({ dataset, embed_task_queue: `nobody-${dataset}` });
    await cancelWhileItWaits(embedding.job_id);

    const retried = await bench.retry(job_id, { embed_task_queue: `nobody-${dataset}` });

    expect(await bench.wait(retried.job_id)).toMatchObject({ state: 'completed', phases: { embedding: { total: 0 } } });
  });

  it('leaves to the next load what a load without embedding has added', async () => {
    const dataset = bench.newDataset();
    const source = await folderWith(dataset, { pictures: 2, broken: [] });
    const { job_id } = await bench.load({ dataset, source });
    await writeFile(join(source, 'new.jpg'), await drawPicture(8));
    await bench.load({ dataset, source, embed: false });

    const status = await bench.wait((await bench.retry(job_id)).job_id);

    expect(status).toMatchObject({ state: 'completed', phases: { embedding: { total: 0 } } });
    expect(await vectorsOf(dataset)).toHaveLength(2);
  });
});

describe('a source that is not there', () => {
  it('does not keep failures of the embedding from being retried', async () => {
    const dataset = bench.newDataset();
    const here = await folderWith(`${dataset}-here`, { pictures: 1, broken: [] });
    const away = await folderWith(`${dataset}-away`, { pictures: 1, broken: ['b.jpg'] });
    await writeTruncated(join(here, 'a.jpg'));
    await bench.load({ dataset, source: away });
    await bench.load({ dataset, source: here });
    await rename(away, `${away}-unmounted`);
    await writeFile(join(here, 'a.jpg'), await drawPicture(99));

    const status = await retry(dataset);

    expect(status).toMatchObject({ state: 'completed', phases: { embedding: { done: 1, failed: 0, total: 1 } } });
    expect(status.phases.indexing).toMatchObject({ done: 1, total: 1, unreadable_folders: [away] });
  });

  it('fails the retry and leaves every sample as it was', async () => {
    const dataset = bench.newDataset();
    const source = await folderWith(dataset, { pictures: 3, broken: ['a.jpg', 'b.jpg'] });
    await bench.load({ dataset, source, embed: false });
    const before = await samplesOf(dataset);
    await rename(source, `${source}-away`);

    const gone = await retry(dataset);
    await mkdir(source);
    const empty = await retry(dataset);

    for (const status of [gone, empty]) {
      expect(status).toMatchObject({ state: 'failed', error: { code: 'SourceNotFound' } });
      expect(status.error?.message).toContain(source);
    }
    expect(await samplesOf(dataset)).toEqual(before);
  });

  it('is passed over and named while files of another are retried', async () => {
    const dataset = bench.newDataset();
    const here = await folderWith(`${dataset}-here`, { pictures: 1, broken: ['a.jpg'] });
    const away = await folderWith(`${dataset}-away`, { pictures: 1, broken: ['b.jpg'] });
    await bench.load({ dataset, source: here, embed: false });
    await bench.load({ dataset, source: away, embed: false });
    await rename(away, `${away}-unmounted`);
    await copyFile(
      join(
        here,
        (await samplesOf(dataset))
          .find(({ status }) => status === 'indexed')
          ?.filepath.split('/')
          .at(-1) ?? '',
      ),
      join(here, 'a.jpg'),
    );

    const status = await retry(dataset);

    expect(status).toMatchObject({ state: 'completed', phases: { indexing: { done: 1, failed: 0, total: 1 } } });
    expect(status.phases.indexing.unreadable_folders).toEqual([away]);
    const failed = (await samplesOf(dataset)).filter((sample) => sample.status === 'failed');
    expect(failed.map(({ filepath, error }) => [filepath, error?.code])).toEqual([
      [join(away, 'b.jpg'), 'not_an_image'],
    ]);
  });
});

describe('the listing of what failed', () => {
  it('goes on behind the pages that an attempt before it has written, and counts none twice', async () => {
    const datasetId = bench.newDataset();
    const jobId = `retry-${datasetId}`;
    await collectionsOf(bench.store).datasets.insertOne({ _id: datasetId, sources: [] } as never);
    await collectionsOf(bench.store).samples.insertMany(
      Array.from(
        { length: 600 },
        (_, seq) =>
          ({ dataset_id: datasetId, seq, filepath: `/${seq}`, part: 0, status: 'failed', error: {} }) as never,
      ),
    );
    await recordJob(bench.store, { jobId, workflowId: '', kind: 'retry', datasetId, request: {}, embeds: false });
    const { signal } = new AbortController();
    const sources = createSources([folderSource()]);
    const list = (page: number) =>
      listFailed(bench.store, sources, { jobId, datasetId, page, onStep: () => undefined, signal });

    const first = await list(0);
    const repeated = await list(0);

    expect(first).toEqual({ next: 1, pages: [0], total: 256, unchanged: 0 });
    expect(repeated).toEqual({ next: null, pages: [0, 1], total: 600, unchanged: 0 });
    expect(await list(1)).toEqual({ next: null, pages: [1], total: 344, unchanged: 0 });
    const pages = await collectionsOf(bench.store).pages.find({ job_id: jobId }).sort({ n: 1 }).toArray();
    const paths = pages.flatMap(({ files }) => files.map(({ path }) => path));
    expect(paths).toEqual(Array.from({ length: 600 }, (_, seq) => `/${seq}`));
  });
});
