import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownMedia } from '../../core/media/registry.ts';
import { buildIndex } from '../../core/search/build-index.ts';
import { createLocalBuilder } from '../../core/search/local-builder.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openStore } from '../../core/store/open.ts';
import { prepareDatabase } from '../../core/store/prepare.ts';
import type { Store } from '../../core/store/store.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import { insertRecord } from '../jobs/records.ts';
import { clusteredVectors, dot, fillWithVectors } from '../search/vectors.ts';
import { drawPicture } from '../support/pictures.ts';
import { type CommandBench, createCommandBench, runCommand } from './command-bench.ts';

const DIM = 8;
const MISSING = 10;
const MODEL = 'm@000000000001';
const vectors = clusteredVectors(60, DIM);
const [query] = clusteredVectors(1, DIM, 2) as [Float32Array];
const vector = JSON.stringify([...query]);

let bench: CommandBench;
let store: Store;

beforeAll(async () => {
  bench = await createCommandBench();
  store = openStore(bench.env.MONGODB_URI as string);
  await prepareDatabase(store);
  await fillWithVectors(store, { datasetId: 'photos', modelKey: MODEL, dim: DIM }, vectors, (seq) => ({
    tags: seq % 20 === 0 ? ['rare'] : [],
    metadata: {
      ...{ size_bytes: 9, mime_type: 'image/png', height: 480, num_channels: 3, orientation: 1 },
      ...{ format: seq % 2 === 0 ? 'png' : 'jpeg', width: 100 + seq },
    },
    ...(seq === MISSING ? { status: 'missing' } : {}),
  }));
});
afterAll(async () => {
  await store?.close();
  await bench?.stop();
});

const nearest = vectors
  .map((each, seq) => ({ seq, score: dot(query, each) }))
  .sort((a, b) => b.score - a.score)
  .map(({ seq }) => seq)
  .filter((seq) => seq !== MISSING);

describe('search', () => {
  it('prints scores with three decimals, numbers and paths, and how to go on', async () => {
    const { code, stdout, stderr } = await bench.run('search', 'photos', '--vector', vector, '--limit', '2');
    const [title, ...lines] = stdout.trimEnd().split('\n');
    expect(code).toBe(0);
    expect(title).toMatch(/^ *SCORE +SEQ +PATH$/);
    expect(lines.map((line) => Number(/^ *-?\d\.\d{3} +(\d+) +\/srv\/.*\.jpg$/.exec(line)?.[1]))).toEqual(
      nearest.slice(0, 2),
    );
    expect(stderr).toMatch(/^More: add --cursor [\w-]+\n$/);
  });

  it('prints the answer with --json, and goes on by its cursor', async () => {
    const file = join(bench.folder, 'vector.json');
    await writeFile(file, vector);
    const page = async (...more: string[]) => {
      const { code, stdout } = await bench.run(
        'search',
        'photos',
        '--vector',
        file,
        '--limit',
        '40',
        '--json',
        ...more,
      );
      expect(code).toBe(0);
      return JSON.parse(stdout);
    };
    const first = await page();
    expect(first).toEqual({
      dataset: 'photos',
      mode: 'vector',
      model_key: MODEL,
      exact: true,
      hits: expect.arrayContaining([{ seq: nearest[0], filepath: expect.any(String), score: expect.any(Number) }]),
      next: expect.any(String),
    });
    const second = await page('--cursor', first.next);
    expect([...first.hits, ...second.hits].map(({ seq }) => seq)).toEqual(nearest);
    expect(second.next).toBeNull();
  });

  it.each([
    [['format=png'], (seq: number) => seq % 2 === 0],
    [['width=110..119'], (seq: number) => seq >= 10 && seq < 20],
    [['width=150..', 'format=jpeg'], (seq: number) => seq >= 50 && seq % 2 === 1],
    [['width=..104'], (seq: number) => seq <= 4],
    [['width=107'], (seq: number) => seq === 7],
    [['bytes=1055..'], (seq: number) => seq >= 55],
  ] as const)('narrows by --where %j', async (conditions, matches) => {
    const where = conditions.flatMap((condition) => ['--where', condition]);
    const { stdout } = await bench.run('search', 'photos', '--vector', vector, '--limit', '100', ...where, '--json');
    const found = JSON.parse(stdout).hits.map(({ seq }: { seq: number }) => seq);
    expect(found).toEqual(nearest.filter(matches));
  });

  it.each([
    ['colour=red', 'write format=…, width=…, height=…, page=…, tokens=…, bytes=…'],
    ['format=tga', 'format is one of jpeg, png,'],
    ['width=wide', 'a range is 640..1920, 640.. or ..1920'],
    ['width=..', 'a range is'],
    ['width', 'write format=…'],
  ])('is 2 for --where %s', async (condition, words) => {
    const { code, stderr } = await bench.run('search', 'photos', '--sample', '3', '--where', condition);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  });

  it('narrows by status: a missing sample is never a hit', async () => {
    const none = await bench.run('search', 'photos', '--vector', vector, '--status', 'missing');
    expect([none.code, none.stdout, none.stderr]).toEqual([0, '', 'No hits.\n']);
  });

  it('is 0 without a hit, and narrows by tag and folder', async () => {
    const none = await bench.run('search', 'photos', '--sample', '3', '--tag', 'nobody');
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'No hits.\n' });
    const { stdout } = await bench.run(
      ...['search', 'photos', '--sample', '3', '--tag', 'rare', '--below', '/srv/data/photos/0/', '--json'],
    );
    expect(new Set(JSON.parse(stdout).hits.map(({ seq }: { seq: number }) => seq))).toEqual(new Set([0, 20, 40]));
  });

  it('takes a picture, and says where the model has no words', async () => {
    const embedder = createEmbedder({ threads: 1 });
    const { default: medium } = knownMedia();
    const { key, dim } = await embedder.open('color-gradient-grid', medium);
    const items = await Promise.all([0, 1].map(async (number) => ({ bytes: await drawPicture(number) })));
    const outcomes = await embedder.embed('color-gradient-grid', medium, items);
    await embedder.close();
    const found = outcomes.map((outcome) => ('vector' in outcome ? outcome.vector : new Float32Array()));
    await fillWithVectors(store, { datasetId: 'pictures', modelKey: key, dim }, found);
    await writeFile(join(bench.folder, 'like.jpg'), await drawPicture(1));
    const { code, stdout } = await bench.run('search', 'pictures', '--like', 'like.jpg', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).hits[0]).toMatchObject({ seq: 1, score: expect.closeTo(1, 5) });
    const words = await bench.run('search', 'pictures', 'a red car', '--json');
    expect([words.code, JSON.parse(words.stdout).error.code]).toEqual([1, 'ModelHasNoText']);
    const absent = await bench.run('search', 'pictures', '--like', 'none.jpg', '--json');
    expect([absent.code, JSON.parse(absent.stdout).error.code]).toEqual([1, 'PictureUnreadable']);
  });

  it('waits for an index that was built elsewhere, and says that a graph may miss a hit', async () => {
    const set = { datasetId: 'indexed', modelKey: MODEL, dim: DIM };
    await fillWithVectors(store, set, vectors);
    const builder = createLocalBuilder();
    const { id } = await buildIndex(store, builder, {
      set,
      kind: 'i8',
      cache: join(bench.folder, 'cache-of-worker'),
      onStep: () => undefined,
      signal: new AbortController().signal,
    });
    await builder.close();
    const cache = join(bench.folder, 'cache-of-command');
    const { code, stdout, stderr } = await runCommand(['search', 'indexed', '--vector', vector, '--json'], {
      env: { ...bench.env, PLIMSOLL_CACHE: cache },
      cwd: bench.folder,
    });
    expect([code, stderr]).toEqual([0, 'note: a better hit may be missing.\n']);
    expect(JSON.parse(stdout)).toMatchObject({ exact: false, hits: { length: 20 } });
    expect(await readdir(join(cache, 'indexes'))).toEqual([id]);
  });

  it('says how far a running embedding with the model is', async () => {
    const phase = { done: 0, failed: 0, total: 0, total_known: true };
    const job_id = await insertRecord(store, {
      dataset_id: 'photos',
      state: 'running',
      phases: {
        indexing: { ...phase, state: 'completed' },
        embedding: { ...phase, state: 'running', done: 24, total: 60, model_key: MODEL },
      },
    });
    await collectionsOf(store).datasets.updateOne(
      { _id: 'photos' },
      { $set: { 'phases.embedding': { state: 'running', job_id, at: new Date() } } },
    );
    const { stderr } = await bench.run('search', 'photos', '--sample', '3', '--limit', '1', '--json');
    expect(stderr).toBe('searching while embedding: 40 % so far\n');
  });

  it.each<[number, string, string[]]>([
    [2, 'InvalidUsage', []],
    [2, 'InvalidUsage', ['a cat', '--sample', '3']],
    [2, 'InvalidUsage', ['--vector', '[1, "a"]']],
    [2, 'InvalidUsage', ['--vector', '[1,']],
    [2, 'InvalidUsage', ['--vector', 'none.json']],
    [2, 'InvalidUsage', ['--sample', '3', '--limit', '1001']],
    [2, 'InvalidVector', ['--vector', '[1, 2]']],
    [2, 'InvalidInput', ['--sample', '3', '--cursor', 'x']],
    [3, 'SampleNotFound', ['--sample', '60']],
    [3, 'ModelNotInDataset', ['--sample', '3', '--model', 'clip']],
    [1, 'ModelNotHere', ['a cat']],
  ])('ends with %d and %s: %j', async (code, error, args) => {
    const run = await bench.run('search', 'photos', ...args, '--json');
    expect([run.code, JSON.parse(run.stdout).error.code]).toEqual([code, error]);
  });

  it('ends with 3 where there is no such dataset', async () => {
    expect((await bench.run('search', 'nobody', '--sample', '3')).code).toBe(3);
  });
});
