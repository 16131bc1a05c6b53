import { randomUUID } from 'node:crypto';
import { ObjectId } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embeddedBy } from '../../core/embedding/already-embedded.ts';
import { openChunks } from '../../core/embedding/plan.ts';
import { recordModel } from '../../core/embedding/record-model.ts';
import { writePage } from '../../core/indexing/write-page.ts';
import { recordJob, recordQueued } from '../../core/jobs/begin.ts';
import { endJob } from '../../core/jobs/phases.ts';
import { beginRun, isRunOf, requireOpenJob } from '../../core/jobs/runs.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openDataset } from '../../core/store/datasets.ts';
import { insertChunkProgress, raiseProgress, takeBlock } from '../../core/store/progress.ts';
import { inTransaction, type Store } from '../../core/store/store.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
let store: Store;
beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  store = bench.store;
});
afterAll(() => bench.stop());

const superseded = expect.objectContaining({ code: 'Superseded' });
const run = (jobId: string, runId: string, more = {}) =>
  beginRun(store, { jobId, kind: 'load', embeds: true, runId, continued: false, ...more });
const jobOf = (jobId: string) => collectionsOf(store).jobs.findOne({ _id: jobId });
const countsOf = (jobId: string) => collectionsOf(store).progress.find({ job_id: jobId }).toArray();

const page = (jobId: string, n: number, runId?: string) => ({
  jobId,
  runId,
  n,
  upto: 'x',
  last: false,
  files: [],
  gone: [],
  unchanged: 0,
  outcomes: {},
  unreadable: [],
  outside: [],
});

/** A job that its first run has begun, and that has a page. */
async function begun() {
  const [jobId, datasetId] = [randomUUID(), bench.newDataset()];
  const record = { jobId, workflowId: 'w', kind: 'load' as const, datasetId, request: {}, embeds: true };
  await recordQueued(store, record);
  expect(await run(jobId, 'first')).toBe(true);
  await recordJob(store, record);
  await writePage(store, page(jobId, 0, 'first'));
  return { jobId, datasetId, record };
}

describe('a run that begins a job of another one', () => {
  it('does not do so unless it takes over', async () => {
    const { jobId } = await begun();
    expect(await run(jobId, 'other')).toBe(false);
    expect(await jobOf(jobId)).toMatchObject({ run_id: 'first', state: 'running' });
    expect(await countsOf(jobId)).toHaveLength(1);
  });

  it('opens its record again, and removes its pages and counts', async () => {
    const { jobId, record } = await begun();
    await endJob(store, jobId, 'failed', { code: 'Unexpected', message: 'x' });
    await expect(requireOpenJob(store, jobId)).rejects.toEqual(superseded);
    expect(await run(jobId, 'second', { takesOver: true })).toBe(true);
    await recordJob(store, record);
    const job = await jobOf(jobId);
    expect(job).toMatchObject({ run_id: 'second', state: 'running', phases: { indexing: { state: 'running' } } });
    expect(job).not.toHaveProperty('finished_at');
    expect(job).not.toHaveProperty('error');
    expect(await countsOf(jobId)).toEqual([]);
    expect(await collectionsOf(store).pages.countDocuments({ job_id: jobId })).toBe(0);
    expect([await isRunOf(store, jobId, 'first'), await isRunOf(store, jobId, 'second')]).toEqual([false, true]);
  });

  it('goes on with an open job where it continues it, and with none that has ended', async () => {
    const { jobId } = await begun();
    expect(await run(jobId, 'second', { continued: true, takesOver: true })).toBe(true);
    expect(await countsOf(jobId)).toHaveLength(1);
    await endJob(store, jobId, 'canceled');
    await expect(run(jobId, 'third', { continued: true, takesOver: true })).rejects.toEqual(superseded);
  });
});

describe('an attempt of the run before a reset', () => {
  it('writes no page', async () => {
    const { jobId } = await begun();
    await run(jobId, 'second', { takesOver: true });
    await expect(writePage(store, page(jobId, 1, 'first'))).rejects.toEqual(superseded);
    await writePage(store, page(jobId, 0, 'second'));
  });

  it('raises no count and takes no numbers of the run after it', async () => {
    const { jobId, datasetId } = await begun();
    await openDataset(store, { datasetId, mediaType: 'image', source: '/x', jobId });
    const [count] = await countsOf(jobId);
    const reference = { jobId, phase: 'indexing', chunk: 0 } as const;
    const late = { ...reference, opened: new ObjectId() };
    expect(await raiseProgress(store, late, { done: 5, failed: 0 })).toBe(false);
    expect(await takeBlock(store, late, datasetId, { batch: 0, count: 5, known: 0 })).toBe(false);
    const own = { ...reference, opened: count?.opened as ObjectId };
    expect(await raiseProgress(store, own, { done: 0, failed: 0 })).toBe(true);
    expect(await takeBlock(store, own, datasetId, { batch: 0, count: 5, known: 0 })).toMatchObject({ base: 0 });
  });
});

describe('a plan that is made again', () => {
  it('changes nothing in its own run, whose chunks may be under way, and replaces that of another', async () => {
    const { jobId } = await begun();
    const plan = (from: number) => ({ total: 10, chunks: [[from, from + 10, 10] as [number, number, number]] });
    const embedding = async () => (await countsOf(jobId)).filter(({ phase }) => phase === 'embedding');
    await openChunks(store, { jobId, runId: 'one' }, plan(0));
    const [chunk] = await embedding();
    await openChunks(store, { jobId, runId: 'one' }, plan(0));
    expect(await embedding()).toEqual([chunk]);
    await openChunks(store, { jobId, runId: 'two' }, plan(3));
    expect((await embedding()).map(({ _id }) => _id)).toEqual([`${jobId}/embedding/3`]);
  });

  it('opens nothing for a job that has ended', async () => {
    const { jobId } = await begun();
    await endJob(store, jobId, 'canceled');
    await expect(openChunks(store, { jobId, runId: 'one' }, { total: 0, chunks: [] })).rejects.toEqual(superseded);
    await inTransaction(store, (session) => insertChunkProgress(store, jobId, [], session));
  });
});

describe('the model that has embedded a dataset', () => {
  it('is known by what it was called, so that another folder of the same name is another model', async () => {
    const { jobId, datasetId } = await begun();
    await openDataset(store, { datasetId, mediaType: 'image', source: '/x', jobId });
    const model = { key: 'encoder@0123456789ab', name: 'encoder', revision: '0123456789ab', dim: 2 };
    await recordModel(store, { jobId, datasetId, model, asked: '/models/v1/encoder' });
    const { signal } = new AbortController();
    const by = async (asked: string) =>
      (await embeddedBy(store, { datasetId, model: asked, onScan() {}, signal }))?.key ?? null;
    expect(await by('/models/v1/encoder')).toBe(model.key);
    expect(await by(model.key)).toBe(model.key);
    expect([await by('/models/v2/encoder'), await by('encoder')]).toEqual([null, null]);
  });
});
