import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ImportedStatus } from '../../contract/imported.ts';
import type { ImportVectorsRequest } from '../../contract/inputs.ts';
import type { JobStatus } from '../../contract/job.ts';
import type { NamedSample } from '../../core/exporting/export-request.ts';
import { npy } from '../../core/exporting/formats/npy.ts';
import { readinessOf } from '../../core/jobs/readiness.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { currentVectors } from '../../core/store/current-vectors.ts';
import { getDataset } from '../../core/store/datasets.ts';
import { clusteredVectors, fillWithVectors } from '../search/vectors.ts';
import { linesMedium } from '../support/lines-medium.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { makePictures } from '../support/pictures.ts';
import { createStandIn } from '../support/stand-in-embedder.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const FIXTURES = fileURLToPath(new URL('import-vectors', import.meta.url));
const WORKER = fileURLToPath(new URL('../deploying/worker-process.ts', import.meta.url));
const ROWS = 40;
const KEY = 'mine@v1';

interface Expected {
  unit: number[][];
  order: number[];
  cosines: number[];
}

let bench: Workbench;
let stopIndexing: () => Promise<void>;
let expected: Expected;
beforeAll(async () => {
  expected = JSON.parse(await readFile(join(FIXTURES, 'expected.json'), 'utf8'));
  const plugin = { media: [imagesMedium(), linesMedium()], embedder: createStandIn(), indexFrom: ROWS };
  bench = await openWorkbench({ plugin, roles: ['embedding'] });
  stopIndexing = await bench.startWorker('indexing');
});
afterAll(() => bench?.stop());

/** A dataset of lines: sample n is line n. And a folder beside its own. */
async function newDataset(lines = ROWS) {
  const dataset = bench.newDataset();
  const source = join(bench.folder, dataset, 'texts');
  await mkdir(source, { recursive: true });
  const write = (texts: string[]) => writeFile(join(source, 'all.lines'), texts.join('\n'));
  const texts = Array.from({ length: lines }, (_, n) => `line ${n}`);
  await write(texts);
  const load = () => bench.load({ dataset, source, embed: false });
  expect(await load()).toMatchObject({ state: 'completed' });
  return { dataset, source, texts, write, load, beside: (name: string) => join(bench.folder, dataset, name) };
}

/** A dataset of pictures. */
async function newPictures(count = 3) {
  const dataset = bench.newDataset();
  const source = join(bench.folder, dataset, 'photos');
  const paths = await makePictures(source, count);
  const load = () => bench.load({ dataset, source, embed: false });
  expect(await load()).toMatchObject({ state: 'completed' });
  return { dataset, source, paths, load, beside: (name: string) => join(bench.folder, dataset, name) };
}

const fixture = (name: string) => join(FIXTURES, name);
const importVectors = async (request: Omit<ImportVectorsRequest, 'model_key'> & { model_key?: string }) =>
  bench.wait((await bench.importVectors({ model_key: KEY, ...request })).job_id);
const vectorsOf = (dataset: string, modelKey = KEY) =>
  Array.fromAsync(currentVectors(bench.store, { datasetId: dataset, modelKey }));
const stored = (dataset: string, model_key = KEY) =>
  collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: dataset, model_key });
const jsonl = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n');

function completed(status: JobStatus): ImportedStatus {
  expect(status).toMatchObject({ kind: 'import', state: 'completed', error: null });
  return status.imported as ImportedStatus;
}

async function expectFixture(dataset: string, modelKey = KEY): Promise<void> {
  const vectors = await vectorsOf(dataset, modelKey);
  expect(vectors.map(({ seq }) => seq)).toEqual(expected.unit.map((_, n) => n));
  for (const { seq, vector } of vectors)
    for (const [i, value] of (expected.unit[seq] ?? []).entries()) expect(vector[i]).toBeCloseTo(value, 6);
}

describe('files of NumPy and PyArrow', () => {
  it.each(['list-float.parquet', 'list-double.parquet', 'fixed-list.parquet'])('%s', async (name) => {
    const { dataset } = await newDataset();
    const status = await importVectors({ dataset, path: fixture(name) });
    expect(completed(status)).toEqual({
      state: 'completed',
      path: fixture(name),
      rows: ROWS,
      total: ROWS,
      vectors: ROWS,
      repeated: 0,
      unknown: 0,
      unknown_names: [],
      invalid: {},
      invalid_named: [],
    });
    expect(status).toMatchObject({ workflow_id: `embed-${dataset}:mine`, phases: { embedding: { model_key: KEY } } });
    await expectFixture(dataset);
  });

  it.each(['float32.npy', 'float64.npy', 'version2.npy'])(
    '%s, with the rows in the order of the samples',
    async (name) => {
      const { dataset } = await newDataset();
      expect(completed(await importVectors({ dataset, path: fixture(name), by_seq: true }))).toMatchObject({
        vectors: ROWS,
      });
      await expectFixture(dataset);
    },
  );

  it('an array with lines that name the samples, beside it or elsewhere', async () => {
    const { dataset, beside } = await newDataset();
    const lines = jsonl(expected.unit.map((_, seq) => ({ seq })));
    await copyFile(fixture('float32.npy'), beside('vectors.npy'));
    await writeFile(beside('samples.jsonl'), lines);
    completed(await importVectors({ dataset, path: beside('vectors.npy') }));
    await expectFixture(dataset);
    await writeFile(beside('other.jsonl'), lines);
    const samples = beside('other.jsonl');
    completed(await importVectors({ dataset, path: fixture('float64.npy'), samples, model_key: 'other@v1' }));
    await expectFixture(dataset, 'other@v1');
  });

  it('searches find what NumPy finds, by a vector and by a sample, with an index and without', async () => {
    const { dataset } = await newDataset();
    const status = await importVectors({ dataset, path: fixture('list-float.parquet') });
    expect(status.phases.embedding).toMatchObject({ state: 'completed', index: { kind: 'exact', done: ROWS } });
    const byVector = await bench.search({ dataset, vector: expected.unit[0] as number[], limit: ROWS });
    expect(byVector.model_key).toBe(KEY);
    expect(byVector.hits.map(({ seq }) => seq)).toEqual(expected.order);
    for (const [i, { score }] of byVector.hits.entries()) expect(score).toBeCloseTo(expected.cosines[i] as number, 5);
    const bySample = await bench.search({ dataset, sample: 0, limit: ROWS - 1 });
    expect(bySample.hits.map(({ seq }) => seq)).toEqual(expected.order.slice(1));
  });
});

describe('the layout of our own export', () => {
  it('comes back bit by bit, into another dataset of the same files, too', async () => {
    const { dataset, source } = await newPictures();
    const lines = await newDataset();
    await importVectors({ dataset: lines.dataset, path: fixture('float32.npy'), by_seq: true });
    const [first, second] = (await vectorsOf(lines.dataset)).map(({ vector }) => vector);
    const folder = join(bench.folder, dataset, 'export');
    await mkdir(folder);
    const written = new Map<string, Buffer>();
    const draft = async (name: string) => ({
      write: async (part: Buffer | string) =>
        void written.set(name, Buffer.concat([written.get(name) ?? Buffer.alloc(0), Buffer.from(part as Buffer)])),
      patch: async (part: Buffer, at: number) => void part.copy(written.get(name) as Buffer, at),
      commit: () => writeFile(join(folder, name), written.get(name) as Buffer),
    });
    const sample = (seq: number, name: string, vector: Float32Array | undefined) =>
      ({
        seq,
        file: { path: join(source, name) },
        exported: name,
        tags: [],
        annotations: [],
        vector,
      }) as unknown as NamedSample;
    async function* samples() {
      yield sample(7, 'picture-000001.jpg', first);
      yield sample(3, 'picture-000000.jpg', second);
    }
    const output = { folder: { draft }, counts: { annotations: 0 }, request: { images: 'copy' } };
    await npy.write(samples(), output as never);

    const status = await importVectors({ dataset, path: join(folder, 'vectors.npy') });

    // The numbers are those of another dataset: the paths count.
    expect(completed(status)).toMatchObject({ vectors: 2, unknown: 0 });
    const samplesOf = await collectionsOf(bench.store)
      .samples.find({ dataset_id: dataset })
      .sort({ filepath: 1 })
      .toArray();
    const bySeq = new Map((await vectorsOf(dataset)).map(({ seq, vector }) => [seq, [...vector]]));
    expect(samplesOf.map(({ seq }) => bySeq.get(seq))).toEqual([[...(second ?? [])], [...(first ?? [])], undefined]);
  });
});

describe('lines', () => {
  it('name samples by path: a full one, or one below a source', async () => {
    const { dataset, paths, beside } = await newPictures();
    await writeFile(
      beside('v.jsonl'),
      jsonl([
        { filepath: paths[0], vector: [3, 4] },
        { path: 'picture-000001.jpg', vector: [1, 0] },
        { file_name: './picture-000002.jpg', vector: [0, 2] },
        { path: '../photos/picture-000002.jpg', vector: [1, 1] },
        { path: 'elsewhere/picture-000002.jpg', vector: [1, 1] },
      ]),
    );
    const imported = completed(await importVectors({ dataset, path: beside('v.jsonl') }));
    expect(imported).toMatchObject({ rows: 5, vectors: 3, unknown: 2 });
    expect(imported.unknown_names).toEqual(['../photos/picture-000002.jpg', 'elsewhere/picture-000002.jpg']);
    const { samples } = collectionsOf(bench.store);
    const vectors = new Map((await vectorsOf(dataset)).map(({ seq, vector }) => [seq, vector]));
    const inOrder = await samples.find({ dataset_id: dataset }).sort({ filepath: 1 }).toArray();
    expect(inOrder.map(({ seq }) => [...(vectors.get(seq) ?? [])])).toEqual([
      [Math.fround(0.6), Math.fround(0.8)],
      [1, 0],
      [0, 1],
    ]);
  });

  it('of several samples of a file need a number, which must be of that file', async () => {
    const { dataset, source, beside } = await newDataset();
    const file = join(source, 'all.lines');
    await writeFile(
      beside('v.jsonl'),
      jsonl([
        { filepath: file, vector: [1, 0] },
        { filepath: file, seq: 5, vector: [1, 0] },
        { filepath: `${file}.other`, seq: 6, vector: [1, 0] },
      ]),
    );
    const imported = completed(await importVectors({ dataset, path: beside('v.jsonl') }));
    expect(imported).toMatchObject({ vectors: 1, unknown: 1, invalid: { ambiguous: 1 } });
    expect((await vectorsOf(dataset)).map(({ seq }) => seq)).toEqual([5]);
  });

  it('that can not be used are left out, counted and named; the last vector of a sample counts', async () => {
    const { dataset, beside } = await newDataset();
    const lines = [
      '{"seq": 0, "vector": [1, 0, 0]}',
      '{"seq": 1, "vector": [1, 0]}',
      '{"seq": 2, "vector": [0, 0, 0]}',
      '{"seq": 3, "vector": [1e999, 0, 0]}',
      '{"seq": 4, "vector": [NaN, 0, 0]}',
      '{"seq": 5, "vector": ["1", 0, 0]}',
      '{"seq": 6}',
      '{"vector": [1, 0, 0]}',
      '{"seq": -1, "vector": [1, 0, 0]}',
      '{"seq": 1.5, "vector": [1, 0, 0]}',
      '{"seq": 99999, "vector": [1, 0, 0]}',
      '{"seq": 7, "vector": []}',
      '',
      '{"seq": 8, "vector": [1e300, 0, 0]}',
      '{"seq": 0, "vector": [0, 1, 0]}',
      '{"__proto__": {"seq": 9}, "vector": [1, 0, 0]}',
    ];
    await writeFile(
      beside('v.jsonl'),
      Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), Buffer.from([0xff, 0x0a])]),
    );
    const imported = completed(await importVectors({ dataset, path: beside('v.jsonl') }));
    expect(imported).toMatchObject({
      rows: 16,
      total: 16,
      vectors: 2,
      repeated: 1,
      unknown: 1,
      unknown_names: ['seq 99999'],
    });
    expect(imported.invalid).toEqual({
      wrong_length: 2,
      zero_vector: 1,
      not_finite: 1,
      malformed: 1,
      no_vector: 2,
      no_sample: 4,
      bad_encoding: 1,
    });
    expect(imported.invalid_named[0]).toEqual({
      reason: 'wrong_length',
      row: 2,
      message: expect.stringContaining('2 numbers'),
    });
    expect((await vectorsOf(dataset)).map(({ seq, vector }) => [seq, ...vector])).toEqual([
      [0, 0, 1, 0],
      [8, 1, 0, 0],
    ]);
  });
});

describe('a file that can not be used as a whole', () => {
  it.each([
    ['fortran.npy', 'Fortran order'],
    ['int32.npy', '<i4'],
    ['big-endian.npy', '>f4'],
    ['one-dimension.npy', 'two dimensions'],
    ['no-names.parquet', 'no column seq or filepath'],
    ['nowhere.npy', 'nowhere.npy'],
  ])('%s fails, and nothing is written', async (name, why) => {
    const { dataset } = await newDataset(3);
    const by_seq = name.endsWith('.npy');
    const status = await importVectors({ dataset, path: fixture(name), by_seq });
    expect(status).toMatchObject({
      state: 'failed',
      error: { code: 'VectorsUnreadable', message: expect.stringContaining(why) },
    });
    expect(await stored(dataset)).toBe(0);
  });

  it('one that was cut, or that is something else, too', async () => {
    const { dataset, beside } = await newDataset(3);
    const array = await readFile(fixture('float32.npy'));
    const table = await readFile(fixture('list-float.parquet'));
    const files: [string, Buffer][] = [
      ['cut.npy', array.subarray(0, -4)],
      ['head.npy', array.subarray(0, 20)],
      ['empty.npy', Buffer.alloc(0)],
      ['text.npy', Buffer.from('not an array')],
      ['cut.parquet', table.subarray(0, -100)],
      ['empty.parquet', Buffer.alloc(0)],
      ['list.jsonl', Buffer.from('[{"seq": 0, "vector": [1]}]')],
      ['empty.jsonl', Buffer.alloc(0)],
    ];
    for (const [name, bytes] of files) {
      await writeFile(beside(name), bytes);
      const status = await importVectors({ dataset, path: beside(name), by_seq: name.endsWith('.npy') });
      expect([name, status.error?.code]).toEqual([name, 'VectorsUnreadable']);
    }
  });

  it('rows without names are never guessed', async () => {
    const { dataset, beside } = await newDataset(3);
    const alone = await importVectors({ dataset, path: fixture('float32.npy') });
    expect(alone.error).toMatchObject({ code: 'VectorsUnreadable', message: expect.stringContaining('--by-seq') });
    const other = await importVectors({ dataset, path: fixture('float32.npy'), by_seq: true });
    expect(other.error).toMatchObject({ code: 'InvalidInput', message: expect.stringContaining('40 rows') });
    await writeFile(beside('few.jsonl'), jsonl([{ seq: 0 }, { seq: 1 }]));
    const few = await importVectors({ dataset, path: fixture('float32.npy'), samples: beside('few.jsonl') });
    expect(few.error).toMatchObject({ code: 'VectorsUnreadable', message: expect.stringContaining('2 lines') });
    expect(await stored(dataset)).toBe(0);
  });

  it('fails if no row is of a sample, and the dataset has no such model', async () => {
    const { dataset, beside } = await newDataset(3);
    await writeFile(beside('v.jsonl'), jsonl([{ seq: 90, vector: [1] }]));
    const status = await importVectors({ dataset, path: beside('v.jsonl') });
    expect(status.error).toMatchObject({
      code: 'NothingImported',
      message: expect.stringContaining('1 are of samples'),
    });
    expect((await bench.models(dataset)).models).toEqual([]);
  });

  it('a request that is wrong starts nothing', async () => {
    const { dataset } = await newDataset(1);
    const refused = (more: object) =>
      expect(bench.importVectors({ dataset, path: '/v.npy', model_key: KEY, ...more })).rejects.toMatchObject({
        code: 'InvalidInput',
      });
    await refused({ model_key: 'mine' });
    await refused({ model_key: 'a/b@v1' });
    await refused({ model_key: 'built-in@v1' });
    await refused({ path: '/v.csv' });
    await refused({ path: '/v.jsonl', by_seq: true });
    await refused({ samples: '/s.jsonl', by_seq: true });
    await expect(bench.importVectors({ dataset: 'nowhere', path: '/v.npy', model_key: KEY })).rejects.toMatchObject({
      code: 'DatasetNotFound',
    });
  });
});

describe('the model', () => {
  it('serves if it is the first, is complete with a vector of every sample, and can be dropped', async () => {
    const { dataset, beside } = await newDataset();
    await writeFile(beside('v.jsonl'), jsonl([{ seq: 0, vector: [1, 0] }]));
    completed(await importVectors({ dataset, path: beside('v.jsonl'), model_key: 'part@v1' }));
    expect(readinessOf(await getDataset(bench.store, dataset))).toBe('browsable');
    completed(await importVectors({ dataset, path: fixture('list-float.parquet') }));
    expect(readinessOf(await getDataset(bench.store, dataset))).toBe('ready');
    const { models } = await bench.models(dataset);
    expect(models).toMatchObject([
      { key: KEY, name: 'mine', revision: 'v1', dim: 8, vectors: ROWS, embedded: ROWS, serves: false },
      { key: 'part@v1', dim: 2, vectors: 1, serves: true, completedAt: undefined },
    ]);
    expect(models[0]?.completedAt).toBeInstanceOf(Date);
    const drop = await bench.dropModel(dataset, KEY);
    expect(drop.workflow_id).toBe(`embed-${dataset}:mine`);
    expect(await bench.wait(drop.job_id)).toMatchObject({ state: 'completed', removed: { vectors: ROWS } });
    expect(await stored(dataset)).toBe(0);
    expect((await bench.models(dataset)).models.map(({ key }) => key)).toEqual(['part@v1']);
  });

  it('goes with its dataset', async () => {
    const { dataset } = await newDataset();
    completed(await importVectors({ dataset, path: fixture('list-float.parquet') }));
    expect(await bench.wait((await bench.deleteDataset(dataset)).job_id)).toMatchObject({ state: 'completed' });
    expect(await stored(dataset)).toBe(0);
  });

  it('is not mixed with one of ours: a name alone means ours, and other lengths are refused', async () => {
    const { dataset } = await newDataset();
    completed(await importVectors({ dataset, path: fixture('list-float.parquet') }));
    expect(await bench.embed({ dataset, model: 'mine' })).toMatchObject({ phases: { embedding: { done: ROWS } } });
    expect((await bench.models(dataset)).models.map(({ key, embedded }) => [key, embedded])).toEqual([
      [KEY, ROWS],
      ['mine@000000000000', ROWS],
    ]);
    await expectFixture(dataset);
  });

  it('of another length than the vectors of its key is refused before anything is written', async () => {
    const { dataset, beside } = await newDataset();
    await bench.embed({ dataset, model: 'ours' });
    const before = await vectorsOf(dataset, 'ours@000000000000');
    await writeFile(beside('v.jsonl'), jsonl([{ seq: 0, vector: [1, 0] }]));
    const status = await importVectors({ dataset, path: beside('v.jsonl'), model_key: 'ours@000000000000' });
    expect(status.error).toMatchObject({ code: 'InvalidInput', message: expect.stringContaining('of 8 numbers') });
    expect(await vectorsOf(dataset, 'ours@000000000000')).toEqual(before);

    completed(await importVectors({ dataset, path: beside('v.jsonl'), model_key: 'other@000000000000' }));
    const embedding = await bench.embed({ dataset, model: 'other' });
    expect(embedding.error).toMatchObject({ code: 'InvalidInput', message: expect.stringContaining('of 2 numbers') });
    expect(await stored(dataset, 'other@000000000000')).toBe(1);
  });

  it('is stale for a sample whose file was edited, until it is imported again', async () => {
    const { dataset, texts, write, load } = await newDataset();
    completed(await importVectors({ dataset, path: fixture('list-float.parquet') }));
    await write(['edited', ...texts.slice(1)]);
    await load();
    expect((await vectorsOf(dataset)).length).toBe(ROWS - 1);
    const pictures = await newPictures(2);
    await writeFile(
      pictures.beside('v.jsonl'),
      jsonl(pictures.paths.map((filepath) => ({ filepath, vector: [1, 2] }))),
    );
    completed(await importVectors({ dataset: pictures.dataset, path: pictures.beside('v.jsonl') }));
    await copyFile(pictures.paths[1] as string, pictures.paths[0] as string);
    await pictures.load();
    expect((await vectorsOf(pictures.dataset)).length).toBe(1);
    completed(await importVectors({ dataset: pictures.dataset, path: pictures.beside('v.jsonl') }));
    expect((await vectorsOf(pictures.dataset)).length).toBe(2);
  });

  it('finds duplicates', async () => {
    const { dataset, beside } = await newDataset(4);
    const rows = [
      [1, 0],
      [1, 0.001],
      [0, 1],
      [-1, 0],
    ].map((vector, seq) => ({ seq, vector }));
    await writeFile(beside('v.jsonl'), jsonl(rows));
    completed(await importVectors({ dataset, path: beside('v.jsonl') }));
    await bench.wait((await bench.findDuplicates({ dataset })).job_id);
    const { groups } = await bench.duplicates(dataset, { limit: 10 });
    expect(groups.map(({ members }) => members.map(({ sample }) => sample.seq).sort())).toEqual([[0, 1]]);
  });
});

describe('an import that is interrupted', () => {
  const SAMPLES = 1000;
  const ROUNDS = 100;

  /** Each sample has a vector in every round. The last one counts. */
  async function longImport() {
    const dataset = bench.newDataset();
    await fillWithVectors(
      bench.store,
      { datasetId: dataset, modelKey: 'before@000000000000', dim: 8 },
      clusteredVectors(SAMPLES, 8),
    );
    const path = join(bench.folder, `${dataset}.jsonl`);
    const rows = Array.from({ length: SAMPLES * ROUNDS }, (_, n) => ({
      seq: n % SAMPLES,
      vector: [1, Math.floor(n / SAMPLES), 1 + (n % SAMPLES)],
    }));
    await writeFile(path, jsonl(rows));
    const embed_task_queue = bench.embedTaskQueue;
    const { job_id } = await bench.importVectors({ dataset, path, model_key: KEY, embed_task_queue });
    await expect.poll(async () => (await bench.status(job_id)).imported?.rows ?? 0).toBeGreaterThan(0);
    return { dataset, job_id };
  }

  async function expectWhole(dataset: string, status: JobStatus) {
    expect(completed(status)).toMatchObject({
      rows: SAMPLES * ROUNDS,
      vectors: SAMPLES,
      repeated: SAMPLES * (ROUNDS - 1),
      unknown: 0,
      invalid: {},
    });
    const vectors = await collectionsOf(bench.store)
      .embeddings.find({ dataset_id: dataset, model_key: KEY })
      .sort({ seq: 1 })
      .toArray();
    expect(vectors.length).toBe(SAMPLES);
    for (const { seq, vector } of vectors) {
      const [one, round, own] = vector.toFloat32Array();
      expect((round ?? 0) / (one ?? 1)).toBeCloseTo(ROUNDS - 1, 2);
      expect((own ?? 0) / (one ?? 1)).toBeCloseTo(seq + 1, 0);
    }
  }

  it('goes on after a pause', async () => {
    const { dataset, job_id } = await longImport();
    await bench.pause(job_id);
    const rows = (await bench.status(job_id)).imported?.rows ?? 0;
    await bench.resume(job_id);
    expect(rows).toBeLessThan(SAMPLES * ROUNDS);
    await expectWhole(dataset, await bench.wait(job_id));
  });

  it('keeps what it has when it is canceled, and records the model', async () => {
    const { dataset, job_id } = await longImport();
    await bench.cancel(job_id);
    expect(await bench.wait(job_id)).toMatchObject({
      state: 'canceled',
      error: { message: expect.stringContaining('import the file again') },
    });
    expect((await getDataset(bench.store, dataset)).models).toContainEqual(
      expect.objectContaining({ key: KEY, dim: 3, vectors: SAMPLES }),
    );
  });

  it(
    'goes on when its worker is killed, without a vector too many',
    async () => {
      await stopIndexing();
      const mongodb = new URL(inject('mongodbUri'));
      mongodb.pathname = `/${bench.store.database}`;
      const worker = fork(WORKER, ['indexing', bench.taskQueue], {
        env: { ...process.env, MONGODB_URI: mongodb.href, TEMPORAL_ADDRESS: inject('temporalAddress') },
      });
      await once(worker, 'message');
      const { dataset, job_id } = await longImport();
      const exited = once(worker, 'exit');
      worker.kill('SIGKILL');
      await exited;
      expect((await bench.status(job_id)).imported?.rows).toBeLessThan(SAMPLES * ROUNDS);
      stopIndexing = await bench.startWorker('indexing');
      await expectWhole(dataset, await bench.wait(job_id));
    },
    10 * PATIENCE_MS,
  );
});
