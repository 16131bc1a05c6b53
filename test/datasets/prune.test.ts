import { copyFile, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pruneMissing } from '../../core/deleting/prune-missing.ts';
import { embedChunk } from '../../core/embedding/embed-chunk.ts';
import type { Embedder } from '../../core/embedding/embedder.ts';
import { type Chunk, openChunks } from '../../core/embedding/plan.ts';
import { recordJob } from '../../core/jobs/begin.ts';
import { createLimiter } from '../../core/limits/limiter.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { createSources } from '../../core/sources/source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const sources = createSources([folderSource()]);

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.stop());

/** A dataset of this many pictures of which the first ones are gone from the folder and marked missing. */
async function datasetWithMissing({ pictures, missing }: { pictures: number; missing: number }) {
  const dataset = bench.newDataset();
  const source = join(bench.folder, dataset);
  const paths = await makePictures(source, pictures);
  await bench.load({ dataset, source });
  const gone = paths.toSorted().slice(0, missing);
  await Promise.all(gone.map((path) => rm(path)));
  await bench.load({ dataset, source, embed: false });
  return { dataset, source, gone };
}

const aFileOf = async (folder: string) => (await readdir(folder)).at(-1) ?? '';

async function picturesOf(name: string, count: number): Promise<string> {
  const folder = join(bench.folder, name);
  await makePictures(folder, count);
  return folder;
}

const samplesOf = (dataset: string) =>
  collectionsOf(bench.store).samples.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();

const vectorSeqs = async (dataset: string) =>
  (await collectionsOf(bench.store).embeddings.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray()).map(
    ({ seq }) => seq,
  );

describe('prune', () => {
  it('keeps a sample whose file is there again, and says so; the next load takes it up', async () => {
    const { dataset, source, gone } = await datasetWithMissing({ pictures: 6, missing: 4 });
    const [, back = '', folderNow = ''] = gone;
    await copyFile(join(source, await aFileOf(source)), back);
    await mkdir(folderNow);

    const status = await bench.wait((await bench.prune(dataset)).job_id);

    expect(status).toMatchObject({ state: 'completed', removed: { samples: 3, vectors: 3, kept: 1 } });
    expect((await samplesOf(dataset)).map(({ seq, status: state }) => [seq, state])).toEqual([
      [1, 'missing'],
      [4, 'indexed'],
      [5, 'indexed'],
    ]);
    await bench.load({ dataset, source, embed: false });
    expect((await samplesOf(dataset)).map(({ filepath, status: state }) => [filepath === back, state])).toEqual([
      [true, 'indexed'],
      [false, 'indexed'],
      [false, 'indexed'],
    ]);
  });

  it('removes what is missing with its vectors, says how many, and brings the counts up to date', async () => {
    const { dataset } = await datasetWithMissing({ pictures: 12, missing: 5 });
    expect(await bench.countPrune(dataset)).toEqual({ samples: 5, vectors: 5 });

    const status = await bench.wait((await bench.prune(dataset)).job_id);

    expect(status).toMatchObject({
      kind: 'prune',
      state: 'completed',
      error: null,
      removed: { samples: 5, vectors: 5 },
    });
    expect(status.phases).toMatchObject({ indexing: { state: 'skipped' }, embedding: { state: 'skipped' } });
    const kept = (await samplesOf(dataset)).map(({ seq, status: state }) => [seq, state]);
    expect(kept).toEqual([5, 6, 7, 8, 9, 10, 11].map((seq) => [seq, 'indexed']));
    expect(await vectorSeqs(dataset)).toEqual([5, 6, 7, 8, 9, 10, 11]);
    expect(await collectionsOf(bench.store).datasets.findOne({ _id: dataset })).toMatchObject({
      counts: { total: 7, indexed: 7, failed: 0, missing: 0 },
      models: [{ vectors: 7 }],
      next_seq: 12,
    });
  });

  it('keeps all of a source that is not mounted, names it, and loses nothing', async () => {
    const { dataset, source, gone } = await datasetWithMissing({ pictures: 6, missing: 2 });
    await rename(source, `${source}-unmounted`);
    await mkdir(source);

    const status = await bench.wait((await bench.prune(dataset)).job_id);

    expect(status).toMatchObject({
      state: 'failed',
      error: {
        code: 'SourceNotFound',
        message: expect.stringMatching(
          `${source}: mount it.*plimsoll relocate ${dataset} --from ${source} .*plimsoll forget ${dataset} --source ${source}`,
        ),
      },
      removed: { samples: 0, vectors: 0, kept: 2, unreadable_folders: [source] },
    });
    expect(await samplesOf(dataset)).toHaveLength(6);
    expect(await vectorSeqs(dataset)).toEqual([0, 1, 2, 3, 4, 5]);

    await rm(source, { recursive: true });
    await rename(`${source}-unmounted`, source);
    expect(await bench.wait((await bench.prune(dataset)).job_id)).toMatchObject({ removed: { samples: gone.length } });
  });

  it('keeps what lies in one source of two that is not there, and removes what is missing of the other', async () => {
    const { dataset, source } = await datasetWithMissing({ pictures: 4, missing: 1 });
    const other = `${source}-other`;
    const [first = ''] = await makePictures(other, 3);
    await bench.load({ dataset, source: other, embed: false });
    await rm(first);
    await bench.load({ dataset, source: other, embed: false });
    await rename(other, `${other}-unmounted`);

    const status = await bench.wait((await bench.prune(dataset)).job_id);

    expect(status).toMatchObject({
      state: 'completed',
      removed: { samples: 1, vectors: 1, kept: 1, unreadable_folders: [other] },
    });
  });

  it.runIf(process.platform === 'linux')('keeps all of a source that is on another disk than it was', async () => {
    const { dataset, source } = await datasetWithMissing({ pictures: 3, missing: 1 });
    const away = await mkdtemp('/dev/shm/plimsoll-other-disk-');
    await writeFile(join(away, 'another.txt'), 'not the disk that was loaded');
    await rename(source, `${source}-unmounted`);
    await symlink(away, source);

    const status = await bench.wait((await bench.prune(dataset)).job_id);

    expect(status).toMatchObject({ state: 'failed', error: { code: 'SourceNotFound' }, removed: { kept: 1 } });
    expect(await samplesOf(dataset)).toHaveLength(3);
    await rm(away, { recursive: true });
  });

  it('answers the status query with what it has removed', async () => {
    const { dataset } = await datasetWithMissing({ pictures: 3, missing: 1 });
    const { job_id, workflow_id } = await bench.prune(dataset);
    await bench.wait(job_id);

    const status = await bench.temporal.workflow.getHandle(workflow_id).query('status');

    expect(status).toMatchObject({ job_id, kind: 'prune', state: 'completed', removed: { samples: 1, vectors: 1 } });
  });

  it('ends at once where nothing is missing', async () => {
    const { dataset } = await datasetWithMissing({ pictures: 3, missing: 0 });

    const status = await bench.wait((await bench.prune(dataset)).job_id);

    expect(status).toMatchObject({ state: 'completed', removed: { samples: 0, vectors: 0 } });
    expect(await samplesOf(dataset)).toHaveLength(3);
  });

  it('lets a file that comes back be a new sample', async () => {
    const { dataset, source, gone } = await datasetWithMissing({ pictures: 4, missing: 1 });
    await bench.wait((await bench.prune(dataset)).job_id);
    const [back] = gone as [string];
    await rename((await makePictures(join(bench.folder, 'back'), 1))[0] as string, back);

    const status = await bench.load({ dataset, source });

    expect(status.phases.indexing.outcomes).toMatchObject({ added: 1, unchanged: 3 });
    expect((await samplesOf(dataset)).at(-1)).toMatchObject({ seq: 4, filepath: back });
  });

  it('is refused while a load of the dataset runs, and names it', async () => {
    const { dataset, source } = await datasetWithMissing({ pictures: 3, missing: 1 });
    const load = await bench.startLoad({ dataset, source, model: 'x', embed_task_queue: `nobody-${dataset}` });

    await expect(bench.prune(dataset)).rejects.toMatchObject({
      code: 'AlreadyRunning',
      message: expect.stringContaining(`A load of ${dataset} is running already: job ${load.job_id}`),
    });
    await bench.temporal.workflow.getHandle(load.workflow_id).cancel();
    await bench.wait(load.job_id);
    expect(await samplesOf(dataset)).toHaveLength(3);
  });

  it('knows no dataset that is not there', async () => {
    await expect(bench.prune('no-such-dataset')).rejects.toMatchObject({ code: 'DatasetNotFound' });
    await expect(bench.countPrune('no-such-dataset')).rejects.toMatchObject({ code: 'DatasetNotFound' });
  });
});

describe('a prune that is broken off', () => {
  it('is ended by the next attempt, with exact counts and no vector of a sample that is gone', async () => {
    const datasetId = bench.newDataset();
    const jobId = `prune-${datasetId}`;
    await makeMissing(datasetId, 5000);
    const job = { jobId, workflowId: jobId, kind: 'prune' as const, datasetId, request: {}, embeds: false };
    await recordJob(bench.store, job);

    let batches = 0;
    const stop = new AbortController();
    const onStep = () => {
      batches += 1;
      if (batches === 1) stop.abort(new Error('killed'));
    };
    await expect(pruneMissing(bench.store, sources, { jobId, datasetId, onStep, signal: stop.signal })).rejects.toThrow(
      'killed',
    );
    const left = await collectionsOf(bench.store).samples.countDocuments({ dataset_id: datasetId });
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(5000);
    expect(await collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: datasetId })).toBe(2 * left);
    // An embedding beside it was late.
    await makeVectors(datasetId, [0, 1], 'late@1');

    const removed = await pruneMissing(bench.store, sources, {
      jobId,
      datasetId,
      onStep: () => undefined,
      signal: new AbortController().signal,
    });

    expect(removed).toEqual({ samples: 5000, vectors: 10_000 });
    expect(await collectionsOf(bench.store).samples.countDocuments({ dataset_id: datasetId })).toBe(0);
    expect(await collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: datasetId })).toBe(0);
  });
});

describe('an embedding beside a prune', () => {
  it('takes back the vector of a sample that was removed while it was being made', async () => {
    const dataset = bench.newDataset();
    await bench.load({ dataset, source: await picturesOf(dataset, 3), embed: false });
    const model = { key: 'm@1', name: 'm', revision: '1', dim: 2, batchSize: 8, device: 'cpu', text: false };
    const embedder: Embedder = {
      open: async () => model,
      async embed(_model, _medium, items) {
        await collectionsOf(bench.store).samples.deleteOne({ dataset_id: dataset, seq: 1 });
        return items.map((_, i) => ({ vector: Float32Array.of(0, 1), content: `${i}` }));
      },
      close: async () => undefined,
    };

    const chunk: Chunk = [0, 3, 3];
    const work = { jobId: dataset, workflowId: dataset, kind: 'embed', datasetId: dataset } as const;
    await recordJob(bench.store, { ...work, request: {}, embeds: true });
    await openChunks(bench.store, { jobId: dataset, runId: 'r' }, { total: 3, chunks: [chunk] });

    const limiter = createLimiter(bench.store, bench.embedTaskQueue);
    const equipment = { embedder, medium: imagesMedium(), sources, limiter };
    await embedChunk(bench.store, equipment, {
      jobId: dataset,
      datasetId: dataset,
      model: 'm',
      modelKey: 'm@1',
      chunk,
      onWrite: () => undefined,
      onSignOfLife: () => undefined,
      signal: new AbortController().signal,
    });

    expect(await vectorSeqs(dataset)).toEqual([0, 2]);
  });
});

/** Documents alone, as many as take several batches. */
async function makeMissing(datasetId: string, count: number): Promise<void> {
  const seqs = Array.from({ length: count }, (_, seq) => seq);
  await collectionsOf(bench.store).samples.insertMany(
    seqs.map((seq) => ({ dataset_id: datasetId, seq, filepath: `/${datasetId}/${seq}`, status: 'missing' }) as never),
  );
  await makeVectors(datasetId, seqs, 'a@1');
  await makeVectors(datasetId, seqs, 'b@1');
}

async function makeVectors(datasetId: string, seqs: number[], model_key: string): Promise<void> {
  await collectionsOf(bench.store).embeddings.insertMany(
    seqs.map((seq) => ({ dataset_id: datasetId, seq, model_key }) as never),
  );
}
