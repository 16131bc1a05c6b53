import { join } from 'node:path';
import { ObjectId } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embedChunk } from '../../core/embedding/embed-chunk.ts';
import type { Embedder } from '../../core/embedding/embedder.ts';
import { type Chunk, type EmbeddingPlan, openChunks } from '../../core/embedding/plan.ts';
import { recordModel } from '../../core/embedding/record-model.ts';
import { reconcile } from '../../core/indexing/reconcile.ts';
import { recordJob } from '../../core/jobs/begin.ts';
import { endJob } from '../../core/jobs/phases.ts';
import { createLimiter } from '../../core/limits/limiter.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { createSources } from '../../core/sources/source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { PageDocument } from '../../core/store/documents.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const { signal: never } = new AbortController();
const medium = imagesMedium();
const FILES = 9_000;

let bench: Workbench;
let source: string;

beforeAll(async () => {
  bench = await openWorkbench();
  source = join(bench.folder, 'pictures');
  await makePictures(source, 120);
});
afterAll(() => bench?.stop());

/** A load that has embedded a batch of its 120 pictures, and waits for its limit before the next. */
async function loadInItsMidst(): Promise<{ dataset: string; job_id: string }> {
  const dataset = bench.newDataset();
  await bench.limits.set(1, bench.embedTaskQueue);
  const { job_id } = await bench.startLoad({ dataset, source });
  for await (const { phases } of bench.watch(job_id)) if (phases.embedding.done > 0) break;
  return { dataset, job_id };
}

const modelsOf = async (dataset: string) =>
  (await collectionsOf(bench.store).datasets.findOne({ _id: dataset }))?.models;
const vectorsOf = (dataset: string) => collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: dataset });

describe('a dataset whose embedding was broken off', () => {
  it.each(['canceled', 'failed'])(
    'says how many vectors it has where its load was %s, and not that its model is complete',
    async (state) => {
      const { dataset, job_id } = await loadInItsMidst();

      if (state === 'canceled') await bench.cancel(job_id);
      else await bench.temporal.workflow.getHandle(`load-${dataset}`).terminate('by the test');

      expect(await bench.wait(job_id)).toMatchObject({ state });
      const vectors = await vectorsOf(dataset);
      expect(vectors).toBeGreaterThan(0);
      expect(await modelsOf(dataset)).toEqual([
        {
          key: expect.stringMatching(/^color-gradient-grid@/),
          name: 'color-gradient-grid',
          revision: expect.any(String),
          dim: expect.any(Number),
          vectors,
          last_modified_at: expect.any(Date),
        },
      ]);

      await bench.limits.set(null, bench.embedTaskQueue);
      await bench.wait((await bench.retry(dataset)).job_id);
      expect(await modelsOf(dataset)).toMatchObject([{ vectors: 120, completed_at: expect.any(Date) }]);
    },
  );
});

describe('a dataset that is deleted in the midst of a job', () => {
  const missing = expect.objectContaining({ code: 'DatasetNotFound' });

  it('fails the end of either phase', async () => {
    const { store } = bench;
    const [datasetId, jobId] = [bench.newDataset(), `job-${bench.newDataset()}`];
    await recordJob(store, { jobId, workflowId: 'w', kind: 'load', datasetId, request: {}, embeds: true });
    const [_id, phase] = [`${jobId}/indexing/0`, 'indexing' as const];
    await collectionsOf(store).progress.insertOne({
      _id,
      job_id: jobId,
      opened: new ObjectId(),
      phase,
      done: 3,
      failed: 0,
      total: 3,
    });

    const listing = { jobId, datasetId, source, maxFailedPercent: 100, onWrite: () => undefined, signal: never };
    await expect(reconcile(store, medium, listing)).rejects.toEqual(missing);
    const model = { key: 'm@1', name: 'm', revision: '1', dim: 2, batchSize: 8, device: 'cpu' };
    await expect(recordModel(store, { jobId, datasetId, model, asked: 'm' })).rejects.toEqual(missing);
  });
});

describe('a load that another one has followed', () => {
  it('marks nothing as missing', async () => {
    const { store } = bench;
    const [datasetId, jobId] = [bench.newDataset(), `job-${bench.newDataset()}`];
    const folder = join(bench.folder, datasetId);
    await makePictures(folder, 3);
    const listed = { files: [], gone: [0, 1, 2], upto: '', last: true };
    const page: PageDocument = { _id: `${jobId}/0`, job_id: jobId, n: 0, ...listed };
    const [_id, phase] = [`${jobId}/indexing/0`, 'indexing' as const];
    await collectionsOf(store).pages.insertOne(page);
    await collectionsOf(store).progress.insertOne({
      _id,
      job_id: jobId,
      opened: new ObjectId(),
      phase,
      done: 3,
      failed: 0,
      total: 3,
    });
    await bench.load({ dataset: datasetId, source: folder, embed: false });

    const end = { jobId, datasetId, source: folder, maxFailedPercent: 100, onWrite: () => undefined, signal: never };
    await expect(reconcile(store, medium, end)).rejects.toMatchObject({ code: 'Superseded' });
    expect(await collectionsOf(store).samples.countDocuments({ dataset_id: datasetId, status: 'missing' })).toBe(0);
  });
});

describe('a chunk whose job has ended', () => {
  const chunk: Chunk = [0, 3, 3];
  const plan: EmbeddingPlan = { total: 3, chunks: [chunk] };
  const superseded = expect.objectContaining({ code: 'Superseded' });
  const progressOf = (job_id: string) => collectionsOf(bench.store).progress.countDocuments({ job_id });

  async function begin() {
    const [datasetId, jobId] = [bench.newDataset(), `job-${bench.newDataset()}`];
    await makePictures(join(bench.folder, datasetId), 3);
    await bench.load({ dataset: datasetId, source: join(bench.folder, datasetId), embed: false });
    await recordJob(bench.store, { jobId, workflowId: 'w', kind: 'embed', datasetId, request: {}, embeds: true });
    return { datasetId, jobId };
  }

  it('leaves no count behind', async () => {
    const { datasetId, jobId } = await begin();
    await openChunks(bench.store, { jobId, runId: 'r' }, plan);
    expect(await progressOf(jobId)).toBe(1);
    const embedder: Embedder = {
      open: async () => ({ key: 'm@1', name: 'm', revision: '1', dim: 2, batchSize: 8, device: 'cpu', text: false }),
      async embed(_model, _medium, items) {
        await endJob(bench.store, jobId, 'failed', { code: 'Terminated', message: 'by the test' });
        return items.map((_, i) => ({ vector: Float32Array.of(0, 1), content: `${i}` }));
      },
      close: async () => undefined,
    };
    const request = { jobId, datasetId, model: 'm', modelKey: 'm@1', chunk, signal: never };
    const limiter = createLimiter(bench.store, bench.embedTaskQueue);
    const equipment = { embedder, medium, sources: createSources([folderSource()]), limiter };
    const signs = { onWrite: () => undefined, onSignOfLife: () => undefined };

    await expect(embedChunk(bench.store, equipment, { ...request, ...signs })).rejects.toEqual(superseded);
    expect(await progressOf(jobId)).toBe(0);
  });

  it('is planned no more', async () => {
    const { jobId } = await begin();
    await endJob(bench.store, jobId, 'failed', { code: 'Terminated', message: 'by the test' });
    await expect(openChunks(bench.store, { jobId, runId: 'r' }, plan)).rejects.toEqual(superseded);
    expect(await progressOf(jobId)).toBe(0);
  });
});

describe('the numbers of a dataset whose loads were broken off while they indexed', () => {
  it('have no holes, whether a load was canceled or terminated', async () => {
    const dataset = bench.newDataset();
    const folder = join(bench.folder, dataset);
    await makeManyFiles(folder, FILES);
    const load = { dataset, source: folder, embed: false };
    for (const end of ['cancel', 'terminate', 'cancel'] as const) {
      const { job_id, workflow_id } = await bench.startLoad(load);
      for await (const { phases } of bench.watch(job_id)) if (phases.indexing.done > 0) break;
      await bench.temporal.workflow.getHandle(workflow_id)[end]();
      await bench.wait(job_id);
    }
    expect(await bench.load(load)).toMatchObject({ state: 'completed', phases: { indexing: { total: FILES } } });

    const { samples, datasets } = collectionsOf(bench.store);
    const seqs = await samples.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();
    expect(seqs.map(({ seq }) => seq)).toEqual(Array.from({ length: FILES }, (_, n) => n));
    expect(await datasets.findOne({ _id: dataset })).toMatchObject({ next_seq: FILES });
  });
});
