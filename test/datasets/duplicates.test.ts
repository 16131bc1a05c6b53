import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { SearchedSet } from '../../core/search/finder.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { EmbeddingDocument, SampleDocument } from '../../core/store/documents.ts';
import { randomNumbers } from '../../scripts/random-numbers.ts';
import { clusteredVectors, fillWithVectors, unit } from '../search/vectors.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const WORKER = fileURLToPath(new URL('../deploying/worker-process.ts', import.meta.url));
const DIM = 64;
const ORIGINALS = 1000;

let bench: Workbench;
let stopWorker: () => Promise<void>;
beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  stopWorker = await bench.startWorker('indexing');
});
afterAll(() => bench?.stop());

const newSet = (): SearchedSet => ({ datasetId: bench.newDataset(), modelKey: 'm@000000000001', dim: DIM });

/** Vectors far from each other, then a near one of each of these. */
function withNear(copied: readonly number[], originals = ORIGINALS): Float32Array[] {
  const random = randomNumbers(7);
  const vectors = clusteredVectors(originals, DIM);
  const near = copied.map((seq) =>
    unit((vectors[seq] as Float32Array).map((element) => element + (random() - 0.5) * 0.02)),
  );
  return [...vectors, ...near];
}

/** A dataset in which the samples from 1,000 on are near to these. */
async function filled(
  copied: readonly number[],
  change?: (seq: number) => Partial<SampleDocument>,
): Promise<SearchedSet & { dataset: string }> {
  const set = newSet();
  await fillWithVectors(bench.store, set, withNear(copied), change);
  return { ...set, dataset: set.datasetId };
}

const start = (dataset: string, more: object = {}) => bench.findDuplicates({ dataset, threshold: 0.98, ...more });
const find = async (dataset: string, more: object = {}) => bench.wait((await start(dataset, more)).job_id);
const groupsOf = async (dataset: string, more: object = {}) =>
  (await bench.duplicates(dataset, { limit: 200, ...more })).groups;
const seqsOf = async (dataset: string, more: object = {}) =>
  (await groupsOf(dataset, more)).map(({ members }) => members.map(({ sample }) => sample.seq).sort((a, b) => a - b));
const sampleOf = (dataset: string, seq: number) =>
  collectionsOf(bench.store).samples.findOne({ dataset_id: dataset, seq });
const changeSample = (dataset: string, seq: number, fields: object) =>
  collectionsOf(bench.store).samples.updateOne({ dataset_id: dataset, seq }, { $set: fields });

describe('a search for duplicates', () => {
  it('groups near vectors, the largest group first, and says how it found them', async () => {
    const { dataset, modelKey } = await filled([5, 5, 17]);
    const status = await find(dataset);
    expect(status).toMatchObject({
      kind: 'duplicates',
      state: 'completed',
      compared: { samples: 1003, total: 1003, groups: 2 },
    });
    expect(await seqsOf(dataset)).toEqual([
      [5, 1000, 1001],
      [17, 1002],
    ]);
    const { run, groups } = await bench.duplicates(dataset, { limit: 1 });
    expect(run).toMatchObject({
      job_id: status.job_id,
      model_key: modelKey,
      threshold: 0.98,
      exact: true,
      groups: 2,
      samples: 5,
    });
    expect(groups).toMatchObject([{ group: 1, kind: 'near', size: 3 }]);
    expect(await collectionsOf(bench.store).progress.countDocuments({ job_id: status.job_id })).toBe(0);
  });

  it('takes only pairs of the threshold', async () => {
    const { dataset } = await filled([5]);
    const [a, b] = withNear([5]).filter((_, seq) => seq === 5 || seq === 1000) as [Float32Array, Float32Array];
    const score = a.reduce((sum, element, i) => sum + element * (b[i] as number), 0);
    await find(dataset, { threshold: score + 0.0001 });
    expect(await seqsOf(dataset)).toEqual([]);
    await find(dataset, { threshold: score - 0.0001 });
    expect(await seqsOf(dataset)).toEqual([[5, 1000]]);
    expect((await groupsOf(dataset))[0]?.members[1]?.score).toBeCloseTo(score, 5);
  });

  it('tells samples of equal content from look-alikes, whatever the threshold', async () => {
    const { dataset, modelKey } = await filled([5, 17]);
    const { embeddings } = collectionsOf(bench.store);
    const ofDataset = { dataset_id: dataset, model_key: modelKey };
    const copy = async (of: number, seqs: number[]) => {
      const { content, vector } = (await embeddings.findOne({ ...ofDataset, seq: of })) as EmbeddingDocument;
      await embeddings.updateMany({ ...ofDataset, seq: { $in: seqs } }, { $set: { content, vector } });
    };
    await copy(30, [700, 900]);
    await copy(5, [800]);
    await find(dataset);
    expect(await seqsOf(dataset, { kind: 'exact' })).toEqual([[30, 700, 900]]);
    expect(await seqsOf(dataset, { kind: 'near' })).toEqual([
      [5, 800, 1000],
      [17, 1001],
    ]);
    const [mixed] = await groupsOf(dataset, { kind: 'near' });
    const same = mixed?.members.map(({ sample: { seq }, same_content }) => [seq, same_content]);
    // The first member is the largest file: 1000 + seq bytes.
    expect(same).toEqual([
      [1000, true],
      [5, false],
      [800, false],
    ]);
    await find(dataset, { threshold: 1 });
    expect(await seqsOf(dataset)).toEqual([
      [30, 700, 900],
      [5, 800],
    ]);
  });

  it('leaves out samples that are missing, gone or changed, and groups with one member left', async () => {
    const { dataset } = await filled([5, 5, 17, 17, 40]);
    await changeSample(dataset, 40, { status: 'missing' });
    await find(dataset);
    expect(await seqsOf(dataset)).toEqual([
      [5, 1000, 1001],
      [17, 1002, 1003],
    ]);
    await changeSample(dataset, 1000, { status: 'missing' });
    await changeSample(dataset, 1002, { 'source.fingerprint': 'another' });
    await collectionsOf(bench.store).samples.deleteOne({ dataset_id: dataset, seq: 1003 });
    expect(await seqsOf(dataset)).toEqual([[5, 1001]]);
  });

  it('keeps the groups of the search before until it has ended, and then replaces them', async () => {
    const { dataset } = await filled([5, 17]);
    const first = await find(dataset);
    await stopWorker();
    const second = await start(dataset, { threshold: 1 });
    expect((await bench.duplicates(dataset, { limit: 10 })).run?.job_id).toBe(first.job_id);
    const { next } = await bench.duplicates(dataset, { limit: 1 });
    expect(next).not.toBeNull();
    stopWorker = await bench.startWorker('indexing');
    await bench.wait(second.job_id);
    expect((await bench.duplicates(dataset, { limit: 10 })).run).toMatchObject({ job_id: second.job_id, groups: 0 });
    expect(await collectionsOf(bench.store).duplicates.countDocuments({ dataset_id: dataset })).toBe(0);
    await expect(bench.duplicates(dataset, { limit: 1, cursor: next as string })).rejects.toMatchObject({
      code: 'InvalidInput',
    });
  });

  it('is refused without vectors, and for a model that has none', async () => {
    const { dataset } = await filled([]);
    await expect(start(dataset, { model: 'other' })).rejects.toMatchObject({ code: 'ModelNotInDataset' });
    await collectionsOf(bench.store).embeddings.deleteMany({ dataset_id: dataset });
    await expect(start(dataset)).rejects.toMatchObject({ code: 'NoVectors' });
    expect((await bench.jobs({ dataset })).jobs).toEqual([]);
  });

  it('pages through groups, by kind', async () => {
    const { dataset } = await filled([1, 2, 3, 4, 5]);
    await find(dataset);
    const pages: number[][] = [];
    for (let cursor: string | undefined; ; ) {
      const { groups, next } = await bench.duplicates(dataset, { limit: 2, kind: 'near', cursor });
      pages.push(groups.map(({ group }) => group));
      if (next === null) break;
      cursor = next;
    }
    expect(pages).toEqual([[1, 2], [3, 4], [5]]);
    expect(await groupsOf(dataset, { kind: 'exact' })).toEqual([]);
  });
});

describe('the member to keep', () => {
  const sizes: Record<number, object> = {
    5: { metadata: { width: 100, height: 100 } },
    1000: { metadata: { width: 200, height: 100 }, 'source.size_bytes': 5 },
    1001: { metadata: { width: 200, height: 100 }, 'source.size_bytes': 6 },
    1002: { metadata: { width: 200, height: 100 }, 'source.size_bytes': 6 },
  };
  const keptOf = async (dataset: string) =>
    (await groupsOf(dataset)).map(({ members }) => members.find(({ keep }) => keep)?.sample.seq);

  it('has the most pixels, then the most bytes, then the lowest number, of those that are there', async () => {
    const { dataset } = await filled([5, 5, 5]);
    for (const [seq, fields] of Object.entries(sizes)) await changeSample(dataset, Number(seq), fields);
    await find(dataset);
    expect((await groupsOf(dataset))[0]?.members[0]).toMatchObject({ score: 1, keep: true, sample: { seq: 1001 } });
    for (const seq of [1001, 1002, 1000]) {
      expect(await keptOf(dataset)).toEqual([seq]);
      await changeSample(dataset, seq, { status: 'missing' });
    }
  });

  it('is the one without the tag; the others have it, however often it is asked', async () => {
    const { dataset } = await filled([5, 5, 17]);
    await changeSample(dataset, 1001, { tags: ['double', 'mine'] });
    await find(dataset);
    const tagged = async () =>
      (await collectionsOf(bench.store).samples.find({ dataset_id: dataset, tags: 'double' }).toArray())
        .map(({ seq }) => seq)
        .sort((a, b) => a - b);
    const done = await bench.tagDuplicates(dataset, { tag: 'double' });
    expect(done).toEqual({ groups: 2, tagged: 3, modified: 4, next: null });
    // Each sample is larger by a byte than the one before.
    expect(await tagged()).toEqual([5, 17, 1000]);
    expect((await sampleOf(dataset, 1001))?.tags).toEqual(['mine']);
    expect(await bench.tagDuplicates(dataset, { tag: 'double' })).toMatchObject({ tagged: 3, modified: 0 });
    expect(await bench.tagDuplicates(dataset, { tag: 'double', kind: 'exact' })).toMatchObject({ groups: 0 });
    expect(await tagged()).toEqual([5, 17, 1000]);
  });
});

describe('the groups of a dataset', () => {
  it('go with it', async () => {
    const { dataset } = await filled([5]);
    await find(dataset);
    await bench.wait((await bench.deleteDataset(dataset)).job_id);
    expect(await collectionsOf(bench.store).duplicates.countDocuments({ dataset_id: dataset })).toBe(0);
    await expect(bench.duplicates(dataset, { limit: 1 })).rejects.toMatchObject({ code: 'DatasetNotFound' });
  });
});

describe('a search that is interrupted', () => {
  /** Enough for three chunks. */
  const MANY = 8_200;
  let set: SearchedSet;
  beforeAll(async () => {
    set = newSet();
    await fillWithVectors(bench.store, set, withNear([5, 5, 7_000], MANY));
  });

  const groups = [
    [5, MANY, MANY + 1],
    [7_000, MANY + 2],
  ];

  /** Starts a search, and resolves once it has compared some of its chunks; with `least` 0, once it is planned. */
  async function comparing(least = 1): Promise<string> {
    const { job_id } = await start(set.datasetId);
    for await (const { compared, finished_at } of bench.watch(job_id))
      if (finished_at !== null || (compared !== undefined && compared.samples >= least)) break;
    return job_id;
  }

  const ended = async (jobId: string) => {
    expect(await bench.wait(jobId)).toMatchObject({
      state: 'completed',
      compared: { samples: MANY + 3, total: MANY + 3, groups: 2 },
    });
    expect(await seqsOf(set.datasetId)).toEqual(groups);
  };

  it('can be paused and resumed, and holds no worker meanwhile', async () => {
    const jobId = await comparing(0);
    const paused = await bench.pause(jobId);
    expect(paused).toMatchObject({ kind: 'duplicates', state: 'paused' });
    const handle = bench.temporal.workflow.getHandle(paused.workflow_id);
    // On a busy machine, what is being compared takes its time to end.
    const pending = async () => (await handle.describe()).raw.pendingActivities?.length ?? 0;
    await expect.poll(pending, { timeout: 5 * PATIENCE_MS }).toBe(0);
    await bench.resume(jobId);
    await ended(jobId);
  });

  /** Starts a worker in a process of its own, and returns a function that kills it. */
  async function startOther(): Promise<() => Promise<void>> {
    const mongodb = new URL(inject('mongodbUri'));
    mongodb.pathname = `/${bench.store.database}`;
    const worker = fork(WORKER, ['indexing', bench.taskQueue], {
      env: { ...process.env, MONGODB_URI: mongodb.href, TEMPORAL_ADDRESS: inject('temporalAddress') },
    });
    await once(worker, 'message');
    return async () => {
      const exited = once(worker, 'exit');
      worker.kill('SIGKILL');
      await exited;
    };
  }

  it('goes on when its worker is killed, from the chunks that are done', async () => {
    await stopWorker();
    const kill = await startOther();
    const jobId = await comparing();
    await kill();
    const before = (await bench.status(jobId)).compared?.samples ?? 0;
    expect(before).toBeGreaterThan(0);
    stopWorker = await bench.startWorker('indexing');
    await ended(jobId);
  });

  it('ends when it is canceled, and leaves the groups of the one before and no working document', async () => {
    const { run } = await bench.duplicates(set.datasetId, { limit: 1 });
    const jobId = await comparing(0);
    await bench.cancel(jobId);
    const status = await bench.wait(jobId);
    expect(status).toMatchObject({ state: 'canceled', error: { code: 'Canceled' } });
    expect(status.error?.message).toMatch(/of 8,203 samples were compared; the groups found before stay/);
    expect((await bench.duplicates(set.datasetId, { limit: 1 })).run).toEqual(run);
    expect(await seqsOf(set.datasetId)).toEqual(groups);
    expect(await collectionsOf(bench.store).progress.countDocuments({ job_id: jobId })).toBe(0);
  });

  it('is ended by a deletion of its dataset, and leaves no group', async () => {
    const jobId = await comparing(0);
    expect(await bench.wait((await bench.deleteDataset(set.datasetId)).job_id)).toMatchObject({ state: 'completed' });
    expect(await bench.wait(jobId)).toMatchObject({ state: 'canceled' });
    expect(await collectionsOf(bench.store).duplicates.countDocuments({ dataset_id: set.datasetId })).toBe(0);
  });
});
