import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { beginDrop, dropModel } from '../../core/deleting/drop-model.ts';
import { recordJob } from '../../core/jobs/begin.ts';
import { endJob } from '../../core/jobs/phases.ts';
import { readinessOf } from '../../core/jobs/readiness.ts';
import { createLocalFinder } from '../../core/search/local-finder.ts';
import { createLocalMachine } from '../../core/search/local-machine.ts';
import { modelToSearch } from '../../core/search/model-to-search.ts';
import { searchVectors } from '../../core/search/search-samples.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { getDataset } from '../../core/store/datasets.ts';
import { createGatedEmbedder } from '../support/gated-embedder.ts';
import { linesMedium } from '../support/lines-medium.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

/** One chunk of two batches. Of several chunks, the one that is let through might wait for the others. */
const LINES = 60;
const REVISION = '000000000000';
const [OLD, NEW] = [`old@${REVISION}`, `new@${REVISION}`];

const memory = memorySource();
const embedder = createGatedEmbedder();
let bench: Workbench;

beforeAll(async () => {
  const plugin = { sources: [memory], media: [linesMedium()], embedder };
  bench = await openWorkbench({ plugin, roles: ['embedding'] });
});
let stopIndexing: () => Promise<void>;
beforeAll(async () => {
  stopIndexing = await bench.startWorker('indexing');
});
afterEach(() => embedder.release());
afterAll(() => bench.stop());

const datasetOf = (datasetId: string) => getDataset(bench.store, datasetId);
const servedBy = async (datasetId: string) => (await modelToSearch(bench.store, await datasetOf(datasetId))).key;
const vectorsOf = (datasetId: string, model_key: string) =>
  collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: datasetId, model_key });

/** A dataset of lines that the old model has embedded. */
async function loaded(lines = LINES): Promise<{ dataset: string; source: string }> {
  const dataset = bench.newDataset();
  const source = `memory:/${dataset}`;
  const text = Array.from({ length: lines }, (_, n) => `${dataset} ${n}`).join('\n');
  memory.put(`${source}/all.lines`, new TextEncoder().encode(text));
  expect(await bench.load({ dataset, source, model: 'old' })).toMatchObject({ state: 'completed' });
  return { dataset, source };
}

/** An embedding with the new model that has stored some of its vectors and is held. */
async function heldEmbedding(dataset: string, more: { switch?: boolean } = {}): Promise<string> {
  embedder.hold('new', `${dataset} 0`);
  const { job_id } = await bench.startEmbedding({ dataset, model: 'new', ...more });
  await expect.poll(() => vectorsOf(dataset, NEW)).toBeGreaterThan(0);
  expect(await vectorsOf(dataset, NEW)).toBeLessThan(LINES);
  return job_id;
}

describe('the first model of a dataset', () => {
  it('serves searches without being asked', async () => {
    const { dataset } = await loaded();
    expect(await datasetOf(dataset)).toMatchObject({ serving: OLD });
    expect(await servedBy(dataset)).toBe(OLD);
  });
});

describe('while another model embeds', () => {
  it('searches use the first one, and go on doing so', async () => {
    const { dataset, source } = await loaded();
    const finder = createLocalFinder(bench.store, { machine: createLocalMachine() });
    const search = async () => {
      const { key, dim } = await modelToSearch(bench.store, await datasetOf(dataset));
      const set = { datasetId: dataset, modelKey: key, dim };
      const vector = new Float32Array(dim).fill(1);
      return { key, found: (await searchVectors(bench.store, finder, { set, vector, limit: LINES })).hits.length };
    };
    const job = await heldEmbedding(dataset);
    expect(await search()).toEqual({ key: OLD, found: LINES });
    const { indexed, models } = await bench.models(dataset);
    expect(indexed).toBe(LINES);
    expect(models).toMatchObject([
      { key: OLD, serves: true, embedded: LINES },
      { key: NEW, serves: false, completedAt: undefined },
    ]);
    expect(models[1]?.embedded).toBe(await vectorsOf(dataset, NEW));

    embedder.release();
    expect(await bench.wait(job)).toMatchObject({ state: 'completed' });
    expect(await search()).toEqual({ key: OLD, found: LINES });
    // The first model completes the dataset again, later than the other one.
    expect(await bench.load({ dataset, source, model: 'old' })).toMatchObject({ state: 'completed' });
    expect(await search()).toEqual({ key: OLD, found: LINES });
    await finder.close();
  });

  it('the first one stays in a dataset that an earlier version filled, too', async () => {
    const { dataset, source } = await loaded();
    const forgetServing = { $unset: { serving: true } } as const;
    await collectionsOf(bench.store).datasets.updateOne({ _id: dataset }, forgetServing);
    await bench.embed({ dataset, model: 'new' });
    expect(await datasetOf(dataset)).toMatchObject({ serving: OLD });
    await bench.load({ dataset, source, model: 'old' });
    expect(await servedBy(dataset)).toBe(OLD);
  });

  it('the other one serves from the write on that records it as complete, if that was asked for', async () => {
    const { dataset } = await loaded();
    const changes = collectionsOf(bench.store).datasets.watch<object>([
      { $match: { 'documentKey._id': dataset, 'updateDescription.updatedFields.serving': { $exists: true } } },
    ]);
    const change = changes.next();
    const job = await heldEmbedding(dataset, { switch: true });
    expect(await servedBy(dataset)).toBe(OLD);

    embedder.release();
    await bench.wait(job);

    expect(await servedBy(dataset)).toBe(NEW);
    const { updateDescription } = (await change) as { updateDescription?: { updatedFields?: object } };
    const fields = Object.entries(updateDescription?.updatedFields ?? {});
    expect(fields).toContainEqual(['serving', NEW]);
    expect(JSON.stringify(fields.filter(([name]) => name.startsWith('models')))).toContain(NEW);
    await changes.close();
    // The vectors of the first one stay.
    expect(await vectorsOf(dataset, OLD)).toBe(LINES);
  });

  it('nothing is switched by a canceled embedding, and a retry of it switches', async () => {
    const { dataset } = await loaded();
    const job = await heldEmbedding(dataset, { switch: true });
    await bench.cancel(job);
    embedder.release();
    expect(await bench.wait(job)).toMatchObject({ state: 'canceled' });
    expect(await servedBy(dataset)).toBe(OLD);

    const retry = await bench.retry(job);
    expect(await bench.wait(retry.job_id)).toMatchObject({ state: 'completed', request: { switch: true } });
    expect(await servedBy(dataset)).toBe(NEW);
    // Somebody goes back. A retry of a job that has switched must not switch again.
    await bench.useModel(dataset, 'old');
    await bench.wait((await bench.retry(retry.job_id)).job_id);
    expect(await servedBy(dataset)).toBe(OLD);
  });

  it('nothing is switched by an embedding that failed', async () => {
    const { dataset } = await loaded();
    const webhooks = [{ url: 'https://example.com/hook' }];
    const failed = await bench.embed({ dataset, model: 'new', switch: true, webhooks });
    expect(failed).toMatchObject({ state: 'failed' });
    expect(await servedBy(dataset)).toBe(OLD);
  });
});

describe('a job that finds nothing to embed', () => {
  it.each([
    ['a load', (dataset: string, source: string) => bench.load({ dataset, source, model: 'new', switch: true })],
    ['an embedding', (dataset: string) => bench.embed({ dataset, model: 'new', switch: true })],
    [
      'a retry',
      async (dataset: string) => {
        const changes = { model: 'new', switch: true, embed_task_queue: bench.embedTaskQueue };
        return bench.wait((await bench.retry(dataset, changes)).job_id);
      },
    ],
  ])('switches all the same: %s', async (_, run) => {
    const { dataset, source } = await loaded();
    await bench.embed({ dataset, model: 'new' });
    expect(await servedBy(dataset)).toBe(OLD);
    expect(await run(dataset, source)).toMatchObject({ state: 'completed', phases: { embedding: { total: 0 } } });
    expect(await servedBy(dataset)).toBe(NEW);
  });
});

describe('use', () => {
  it('takes a key or a name, and says which model served before', async () => {
    const { dataset } = await loaded();
    await bench.embed({ dataset, model: 'new' });
    expect(await bench.useModel(dataset, 'new')).toMatchObject({ before: OLD, used: { key: NEW, serves: true } });
    expect(await servedBy(dataset)).toBe(NEW);
    expect(await bench.useModel(dataset, OLD)).toMatchObject({ before: NEW, used: { key: OLD } });
    expect(await servedBy(dataset)).toBe(OLD);
  });

  it('refuses a model without vectors, and a dataset without any', async () => {
    const { dataset } = await loaded();
    await expect(bench.useModel(dataset, 'unknown')).rejects.toMatchObject({ code: 'ModelNotInDataset' });
    await expect(bench.useModel('nowhere', 'old')).rejects.toMatchObject({ code: 'DatasetNotFound' });
    await collectionsOf(bench.store).embeddings.deleteMany({ dataset_id: dataset });
    await expect(bench.useModel(dataset, 'old')).rejects.toMatchObject({ code: 'NoVectors' });
    expect(await datasetOf(dataset)).toMatchObject({ serving: OLD });
  });

  it('tells how much of the dataset a model has embedded', async () => {
    const { dataset } = await loaded();
    const job = await heldEmbedding(dataset);
    await bench.cancel(job);
    embedder.release();
    await bench.wait(job);
    // A cancel that is heard late leaves nothing to embed.
    await collectionsOf(bench.store).embeddings.deleteOne({ dataset_id: dataset, model_key: NEW });
    const { used, indexed } = await bench.useModel(dataset, 'new');
    expect(used.embedded).toBe(await vectorsOf(dataset, NEW));
    expect(used.embedded).toBeLessThan(indexed);
  });

  it('counts as embedded only samples that are indexed', async () => {
    const { dataset } = await loaded();
    const { samples } = collectionsOf(bench.store);
    await samples.updateMany({ dataset_id: dataset, seq: { $lt: 3 } }, { $set: { status: 'missing' } });
    await samples.updateMany({ dataset_id: dataset, seq: 3 }, { $set: { status: 'failed' } });
    const { indexed, models } = await bench.models(dataset);
    expect([indexed, models[0]?.vectors, models[0]?.embedded]).toEqual([LINES - 4, LINES, LINES - 4]);
  });
});

describe('a drop', () => {
  it("removes one model's vectors and its record, and nothing else", async () => {
    const { dataset } = await loaded();
    await bench.embed({ dataset, model: 'new', switch: true });
    const before = await datasetOf(dataset);
    expect(await bench.countDrop(dataset, 'old')).toEqual({ model: OLD, samples: 0, vectors: LINES, schedules: [] });

    const { job_id, workflow_id } = await bench.dropModel(dataset, 'old');

    expect(workflow_id).toBe(`embed-${dataset}:old`);
    expect(await bench.wait(job_id)).toMatchObject({
      kind: 'drop',
      state: 'completed',
      removed: { samples: 0, vectors: LINES },
    });
    expect([await vectorsOf(dataset, OLD), await vectorsOf(dataset, NEW)]).toEqual([0, LINES]);
    const after = await datasetOf(dataset);
    expect(after).toMatchObject({ serving: NEW, counts: before.counts, models: [{ key: NEW }] });
    expect(readinessOf(after)).toBe('ready');
    await expect(bench.dropModel(dataset, 'old')).rejects.toMatchObject({ code: 'ModelNotInDataset' });
  });

  it('of the model that serves is refused while another one has vectors', async () => {
    const { dataset } = await loaded();
    await bench.embed({ dataset, model: 'new' });
    await expect(bench.dropModel(dataset, 'old')).rejects.toMatchObject({
      code: 'ModelServes',
      message: expect.stringContaining(`plimsoll models use ${dataset} ${NEW}`),
    });
    await bench.useModel(dataset, 'new');
    expect(await bench.wait((await bench.dropModel(dataset, 'old')).job_id)).toMatchObject({ state: 'completed' });
  });

  it('of the only model leaves a dataset that is not embedded, and the next model serves', async () => {
    const { dataset } = await loaded();
    expect(readinessOf(await datasetOf(dataset))).toBe('ready');
    await bench.wait((await bench.dropModel(dataset, 'old')).job_id);
    const after = await datasetOf(dataset);
    expect([after.models, after.serving, readinessOf(after)]).toEqual([[], undefined, 'browsable']);
    await bench.embed({ dataset, model: 'new' });
    expect(await servedBy(dataset)).toBe(NEW);
  });

  it('is refused while an embedding with the model runs, and replaces it if told to', async () => {
    const { dataset } = await loaded();
    const embedding = await heldEmbedding(dataset);
    await expect(bench.dropModel(dataset, 'new')).rejects.toMatchObject({
      code: 'AlreadyRunning',
      message: expect.stringContaining(embedding),
      choices: ['replace'],
    });
    const replacing = bench.dropModel(dataset, 'new', { ifRunning: 'replace' });
    const workflow = bench.temporal.workflow.getHandle(`embed-${dataset}:new`);
    const isAskedToEnd = async () =>
      (await workflow.fetchHistory()).events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes);
    await expect.poll(isAskedToEnd).toBe(true);
    embedder.release();
    const drop = await replacing;
    expect(await bench.wait(drop.job_id)).toMatchObject({ state: 'completed' });
    expect(await bench.status(embedding)).toMatchObject({ state: 'canceled' });
    expect([await vectorsOf(dataset, OLD), await vectorsOf(dataset, NEW)]).toEqual([LINES, 0]);
  });

  it('fails while an embedding that calls the model otherwise runs', async () => {
    const { dataset } = await loaded();
    await bench.embed({ dataset, model: 'new' });
    await collectionsOf(bench.store).embeddings.deleteMany({ dataset_id: dataset, model_key: NEW, seq: { $gt: 9 } });
    embedder.hold('new');
    const embedding = await bench.startEmbedding({ dataset, model: NEW });
    await expect
      .poll(async () => (await bench.status(embedding.job_id)).phases.embedding)
      .toMatchObject({ model_key: NEW });

    const drop = await bench.dropModel(dataset, 'new');

    expect(await bench.wait(drop.job_id)).toMatchObject({
      state: 'failed',
      error: { code: 'AlreadyRunning', message: expect.stringContaining(embedding.job_id) },
    });
    embedder.release();
    await bench.wait(embedding.job_id);
    expect(await vectorsOf(dataset, NEW)).toBe(LINES);
  });

  it('takes a name only if one revision is meant', async () => {
    const { dataset } = await loaded();
    const other = 'old@111111111111';
    await makeVectors(dataset, 3, other);
    await bench.embed({ dataset, model: 'new', switch: true });
    await expect(bench.dropModel(dataset, 'old')).rejects.toMatchObject({ code: 'InvalidInput' });
    expect(await bench.wait((await bench.dropModel(dataset, other)).job_id)).toMatchObject({ removed: { vectors: 3 } });
    expect(await vectorsOf(dataset, OLD)).toBe(LINES);
  });

  it('names the schedules that would bring the vectors back', async () => {
    const { dataset, source } = await loaded();
    const create = (name: string, model: string) =>
      bench.schedules.create({ name, load: { dataset, source, model }, every_seconds: 3600 });
    await Promise.all([create(`${dataset}-old`, 'old'), create(`${dataset}-new`, 'new')]);
    await expect.poll(async () => (await bench.countDrop(dataset, OLD)).schedules).toEqual([`${dataset}-old`]);
    await Promise.all(['old', 'new'].map((name) => bench.schedules.delete(`${dataset}-${name}`)));
  });
});

const makeVectors = (dataset_id: string, count: number, model_key: string) =>
  collectionsOf(bench.store).embeddings.insertMany(
    Array.from({ length: count }, (_, seq) => ({ dataset_id, seq, model_key, dim: 8 }) as never),
  );

/** Holds the transactions of the workers after the first `permitted`, until more are permitted or all are let go. */
function holdTransactions(permitted: number) {
  const { client } = bench.store;
  const withSession = client.withSession;
  const waiting: (() => void)[] = [];
  let left = permitted;
  client.withSession = async (...work: unknown[]) => {
    if (left > 0) left -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return withSession.apply(client, work as never);
  };
  return {
    permitOne() {
      const next = waiting.shift();
      if (next !== undefined) next();
    },
    letGo() {
      client.withSession = withSession;
      left = Number.POSITIVE_INFINITY;
      for (const next of waiting.splice(0)) next();
    },
  };
}

let transactions: ReturnType<typeof holdTransactions> | undefined;
afterEach(() => transactions?.letGo());

/** A drop of 9,000 vectors that has removed its first batch and is held. */
async function heldDrop() {
  const { dataset } = await loaded();
  await makeVectors(dataset, 9000, NEW);
  const held = holdTransactions(1);
  transactions = held;
  const { job_id, workflow_id } = await bench.dropModel(dataset, NEW);
  await expect.poll(async () => (await bench.status(job_id)).removed?.vectors).toBe(2000);
  return { dataset, job_id, workflow: bench.temporal.workflow.getHandle(workflow_id), held };
}

describe('a drop under way', () => {
  it('keeps what is left when it is canceled; the model can be used, dropped or embedded again', async () => {
    const { dataset, job_id, workflow, held } = await heldDrop();
    expect((await bench.models(dataset)).models).toMatchObject([{ key: OLD }, { key: NEW, droppedBy: job_id }]);
    await expect(bench.useModel(dataset, NEW)).rejects.toMatchObject({ code: 'AlreadyRunning' });
    await expect(bench.startEmbedding({ dataset, model: 'new' })).rejects.toMatchObject({ code: 'AlreadyRunning' });

    await bench.cancel(job_id);
    const askedAtMs = Date.now();
    // The worker hears of the cancel in the answer to a heartbeat.
    const beatAtMs = async () => {
      const [activity] = (await workflow.describe()).raw.pendingActivities ?? [];
      return Number(activity?.lastHeartbeatTime?.seconds ?? 0) * 1000;
    };
    await expect.poll(beatAtMs).toBeGreaterThan(askedAtMs);
    const isOver = async () => {
      held.permitOne();
      return (await bench.status(job_id)).finished_at !== null;
    };
    await expect.poll(isOver, { interval: 1000 }).toBe(true);
    held.letGo();

    const ended = await bench.wait(job_id);
    const left = await vectorsOf(dataset, NEW);
    expect(left).toBeGreaterThan(0);
    expect(ended).toMatchObject({ state: 'canceled', removed: { samples: 0, vectors: 9000 - left } });
    expect(ended.error?.message).toMatch(/\d vectors are gone; start it again/);
    const { models } = await datasetOf(dataset);
    expect(models.find(({ key }) => key === NEW)).toMatchObject({ vectors: left });
    expect(await servedBy(dataset)).toBe(OLD);

    expect(await bench.useModel(dataset, 'new')).toMatchObject({ used: { vectors: left, droppedBy: undefined } });
    await bench.useModel(dataset, 'old');
    const again = await bench.wait((await bench.dropModel(dataset, 'new')).job_id);
    expect(again).toMatchObject({ state: 'completed', removed: { vectors: left } });
    expect(await vectorsOf(dataset, NEW)).toBe(0);
  });

  it('is ended by another worker when its worker ends, with an exact count', async () => {
    const { dataset, job_id, workflow, held } = await heldDrop();
    let hasStopped = false;
    const stopped = stopIndexing().then(() => {
      hasStopped = true;
    });
    const isStopped = () => {
      held.permitOne();
      return hasStopped;
    };
    await expect.poll(isStopped, { interval: 1000 }).toBe(true);
    await stopped;
    held.letGo();
    expect(await vectorsOf(dataset, NEW)).toBeGreaterThan(0);
    stopIndexing = await bench.startWorker('indexing');

    expect(await bench.wait(job_id)).toMatchObject({ state: 'completed', removed: { vectors: 9000 } });

    const { events } = await workflow.fetchHistory();
    const attempts = (events ?? []).map(({ activityTaskStartedEventAttributes: started }) => started?.attempt ?? 0);
    expect(Math.max(...attempts.map(Number))).toBeGreaterThan(1);
    expect([await vectorsOf(dataset, OLD), await vectorsOf(dataset, NEW)]).toEqual([LINES, 0]);
  });

  it('ends with its dataset: a deletion cancels it', async () => {
    const { dataset, job_id, held } = await heldDrop();
    const deletion = await bench.deleteDataset(dataset);
    const isAskedToEnd = async () =>
      (await bench.temporal.workflow.getHandle(`embed-${dataset}:new`).fetchHistory()).events?.some(
        (event) => event.workflowExecutionCancelRequestedEventAttributes,
      );
    await expect.poll(isAskedToEnd).toBe(true);
    held.letGo();
    expect(await bench.wait(deletion.job_id)).toMatchObject({ state: 'completed' });
    expect((await bench.wait(job_id)).finished_at).not.toBeNull();
    expect(await collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: dataset })).toBe(0);
  });
});

/** A dataset without samples that two models have embedded, and the job of a drop of one of them. */
async function openDrop(count: number) {
  const { store } = bench;
  const [datasetId, jobId] = [bench.newDataset(), randomUUID()];
  const models = [OLD, NEW].map((key) => ({ key, vectors: count, completed_at: new Date() }));
  await collectionsOf(store).datasets.insertOne({ _id: datasetId, serving: OLD, phases: {}, models } as never);
  for (const key of [OLD, NEW]) await makeVectors(datasetId, count, key);
  await recordJob(store, { jobId, workflowId: '', kind: 'drop', datasetId, request: {}, embeds: false });
  const dropped = { jobId, datasetId, modelKey: NEW };
  await beginDrop(store, dropped);
  return { ...dropped, onStep: () => undefined, signal: new AbortController().signal };
}

describe('an attempt of a drop', () => {
  it('that was killed is ended by the next one with an exact count', async () => {
    const drop = await openDrop(5000);
    const { datasetId } = drop;
    const stop = new AbortController();
    const onStep = () => stop.abort(new Error('killed'));
    await expect(dropModel(bench.store, { ...drop, onStep, signal: stop.signal })).rejects.toThrow('killed');
    expect(await vectorsOf(datasetId, NEW)).toBe(3000);
    expect((await datasetOf(datasetId)).models).toMatchObject([{ key: OLD }, { key: NEW, vectors: 3000 }]);
    expect((await datasetOf(datasetId)).models[1]).not.toHaveProperty('completed_at');

    expect(await dropModel(bench.store, drop)).toEqual({ samples: 0, vectors: 5000 });
    // The attempt before it died before Temporal had its answer.
    expect(await dropModel(bench.store, drop)).toEqual({ samples: 0, vectors: 5000 });
    expect((await datasetOf(datasetId)).models).toMatchObject([{ key: OLD, vectors: 5000 }]);
    expect(await vectorsOf(datasetId, OLD)).toBe(5000);
  });

  it.each([
    ['once its job is over', ({ jobId }: { jobId: string }) => endJob(bench.store, jobId, 'canceled')],
    [
      'of a new dataset that has the name',
      async ({ datasetId }: { datasetId: string }) => {
        const { datasets } = collectionsOf(bench.store);
        await datasets.deleteOne({ _id: datasetId });
        await datasets.insertOne({ _id: datasetId, phases: {}, models: [{ key: NEW, vectors: 10 }] } as never);
      },
    ],
    [
      'of a model that was chosen to serve',
      async (drop: { datasetId: string; jobId: string }) => {
        await collectionsOf(bench.store).jobs.deleteOne({ _id: drop.jobId });
        await bench.useModel(drop.datasetId, NEW);
        const { jobId, datasetId } = drop;
        const record = { jobId, workflowId: '', kind: 'drop', datasetId, request: {}, embeds: false } as const;
        await recordJob(bench.store, record);
      },
    ],
  ])('removes nothing %s', async (_, change) => {
    const drop = await openDrop(10);
    await change(drop);
    await expect(dropModel(bench.store, drop)).rejects.toMatchObject({ code: 'Superseded' });
    expect(await vectorsOf(drop.datasetId, NEW)).toBe(10);
  });

  it('ends when an embedding with the model begins', async () => {
    const { dataset } = await loaded();
    await bench.embed({ dataset, model: 'new' });
    const jobId = randomUUID();
    const drop = { jobId, datasetId: dataset, modelKey: NEW };
    const record = { jobId, workflowId: '', kind: 'drop', datasetId: dataset, request: {}, embeds: false } as const;
    await recordJob(bench.store, record);
    await beginDrop(bench.store, drop);
    // Its name for the model is another one, so its Workflow ID is.
    await bench.embed({ dataset, model: NEW });
    const attempt = dropModel(bench.store, { ...drop, onStep: () => undefined, signal: new AbortController().signal });
    await expect(attempt).rejects.toMatchObject({ code: 'Superseded' });
    expect(await vectorsOf(dataset, NEW)).toBe(LINES);
  });
});
