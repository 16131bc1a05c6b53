import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IndexKind } from '../../contract/job.ts';
import { knownMedia } from '../../core/media/registry.ts';
import { buildIndex, indexNeeded } from '../../core/search/build-index.ts';
import type { SearchedSet } from '../../core/search/finder.ts';
import type { IndexBuilder } from '../../core/search/index-builder.ts';
import { createIndexCache } from '../../core/search/index-cache.ts';
import { createLocalFinder } from '../../core/search/local-finder.ts';
import { searchVectors } from '../../core/search/search-samples.ts';
import { GRAPH_KINDS } from '../../core/search/vector-machine.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { findPublishedIndex } from '../../core/store/datasets.ts';
import { writeVectors } from '../../core/store/embeddings.ts';
import { versionOf } from '../../core/store/sample-version.ts';
import { createProcessBuilder } from '../../search/process-builder.ts';
import { createProcessMachine } from '../../search/process-machine.ts';
import { createSearcher } from '../../search/searcher.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { clusteredVectors, dot, fillWithVectors } from './vectors.ts';

const DIM = 64;
const COUNT = 5000;

let bench: Workbench;
let set: SearchedSet;
let vectors: Float32Array[];
let workerCache: string;
const builders: IndexBuilder[] = [];
const QUERIES = 15;
let queries: Float32Array[];
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  set = { datasetId: bench.newDataset(), modelKey: 'm@000000000001', dim: DIM };
  const all = clusteredVectors(COUNT + QUERIES, DIM);
  vectors = all.slice(0, COUNT);
  queries = all.slice(COUNT);
  workerCache = join(bench.folder, 'worker-cache');
  await fillWithVectors(bench.store, set, vectors, (seq) => ({ tags: seq % 100 === 0 ? ['percent'] : [] }));
});
afterAll(async () => {
  await Promise.all(ends.map((end) => end()));
  await Promise.all(builders.map((builder) => builder.close()));
  await bench?.stop();
});

function newBuilder(): IndexBuilder {
  const builder = createProcessBuilder();
  builders.push(builder);
  return builder;
}

const build = (
  kind?: IndexKind,
  { signal = new AbortController().signal, onStep = () => undefined, builder = newBuilder() } = {} as {
    signal?: AbortSignal;
    onStep?: (progress: { done: number }) => void;
    builder?: IndexBuilder;
  },
) => buildIndex(bench.store, builder, { set, kind, cache: workerCache, onStep, signal });

/** The set with the index that the dataset names now. */
const setNow = async (): Promise<SearchedSet> => ({ ...set, index: await findPublishedIndex(bench.store, set) });

/** A finder of another machine: it has a cache of its own. */
function newFinder(cache = join(bench.folder, `cache-${ends.length}`)) {
  const logged: string[] = [];
  const indexes = createIndexCache(bench.store, cache, (message) => logged.push(message));
  const finder = createLocalFinder(bench.store, { machine: createProcessMachine({ idleMs: 60_000 }), indexes });
  ends.push(async () => {
    indexes.close();
    await finder.close();
  });
  return { finder, indexes, cache, logged };
}

async function recallOf({ finder }: ReturnType<typeof newFinder>, filter?: { tag: string }): Promise<number> {
  let right = 0;
  for (const query of queries) {
    const best = vectors
      .map((vector, seq) => ({ seq, score: dot(query, vector) }))
      .filter(({ seq }) => filter === undefined || seq % 100 === 0)
      .sort((a, b) => b.score - a.score)
      .slice(0, 10)
      .map(({ seq }) => seq);
    const { hits } = await searchVectors(bench.store, finder, {
      set: await setNow(),
      vector: query,
      limit: 10,
      ...(filter && { filter }),
    });
    right += hits.filter(({ seq }) => best.includes(seq)).length;
  }
  return right / (10 * queries.length);
}

const fetched = (found: ReturnType<typeof newFinder>, id: string) =>
  expect.poll(async () => (await found.indexes.indexOf(await setNow()))?.id).toBe(id);

it('is needed by a set that has many vectors and none, until it has one', async () => {
  const needed = (asked: 'auto' | 'none' | IndexKind, from?: number) => indexNeeded(bench.store, set, asked, from);
  expect(await needed('auto', COUNT)).toEqual({ kind: 'exact', done: 0, total: COUNT });
  expect(await needed('auto', COUNT + 1)).toBeNull();
  expect(await needed('none')).toBeNull();
  expect(await needed('b1', COUNT + 1)).toEqual({ kind: 'b1', done: 0, total: COUNT });
  const index = await build();
  expect(index).toMatchObject({ kind: 'exact', vectors: COUNT, bytes: COUNT * (DIM + 8) });
  expect(await findPublishedIndex(bench.store, set)).toEqual(index);
  expect(await needed('auto')).toBeNull();
  expect(await needed('exact')).toBeNull();
  expect(await needed('i8')).toEqual({ kind: 'i8', done: 0, total: COUNT });
});

describe.each(['exact', ...GRAPH_KINDS] as const)('an index of kind %s', (kind) => {
  it('is fetched by another machine and finds what brute force finds', async () => {
    const before = await findPublishedIndex(bench.store, set);
    const index = await build(kind);
    const other = newFinder();
    await fetched(other, index.id);
    const { exact } = await searchVectors(bench.store, other.finder, {
      set: await setNow(),
      vector: queries[0] as Float32Array,
      limit: 10,
    });
    expect(exact).toBe(kind === 'exact');
    expect(await recallOf(other)).toBeGreaterThanOrEqual({ exact: 1, b1: 0.9 }[kind as string] ?? 0.99);
    expect(await recallOf(other, { tag: 'percent' })).toBe(1);
    // The files of the index before are gone.
    const { db } = collectionsOf(bench.store).meta;
    expect(await db.collection('indexes.files').distinct('metadata.index_id')).toEqual([index.id]);
    expect(await db.collection('indexes.chunks').distinct('files_id')).toHaveLength(index.files.length);
    expect(before?.id).not.toBe(index.id);
  });
});

it('is used by a search of the dataset', async () => {
  const index = await build('i8');
  const other = newFinder();
  await fetched(other, index.id);
  const embedder = { embed: () => Promise.reject(new Error('no query is encoded')) };
  const searcher = createSearcher({ store: bench.store, finder: other.finder, embedder, media: knownMedia() });
  const answer = await searcher.search({ dataset: set.datasetId, vector: [...(queries[0] as Float32Array)] });
  expect([answer.exact, answer.hits.length]).toEqual([false, 20]);
});

it('stays in use in a search that has read the dataset before it was published', async () => {
  const before = await findPublishedIndex(bench.store, set);
  const index = await build('i8');
  const other = newFinder();
  await fetched(other, index.id);
  for (const named of [undefined, before])
    expect(await other.indexes.indexOf({ ...set, index: named })).toMatchObject({ id: index.id });
  expect(other.logged).toEqual([]);
});

it('finds what was written after it', async () => {
  const other = newFinder();
  const index = await build('i8');
  await searchVectors(bench.store, other.finder, { set: await setNow(), vector: queries[0] as Float32Array, limit: 1 });
  await fetched(other, index.id);
  const query = queries[1] as Float32Array;
  const sample = await collectionsOf(bench.store).samples.findOne({ dataset_id: set.datasetId, seq: 77 });
  if (sample === null) throw new Error('no sample');
  const vector = query.map((element) => -element);
  await writeVectors(bench.store, set, [
    { seq: 77, sampleId: sample._id, vector, content: 'c', version: versionOf(sample), isStale: true },
  ]);
  vectors[77] = vector;
  const { hits } = await searchVectors(bench.store, other.finder, { set: await setNow(), vector, limit: 1 });
  expect(hits).toMatchObject([{ seq: 77, score: expect.closeTo(1, 4) }]);
});

describe('a build that is broken off', () => {
  it('goes on from what it saved, and leaves the published index as it is', async () => {
    const before = await findPublishedIndex(bench.store, set);
    const canceled = new AbortController();
    const broken = build('i8', {
      signal: canceled.signal,
      onStep: ({ done }) => done >= 3000 && canceled.abort(new Error('canceled')),
    });
    await expect(broken).rejects.toThrow('canceled');
    expect(await findPublishedIndex(bench.store, set)).toEqual(before);

    const steps: number[] = [];
    const index = await build('i8', { onStep: ({ done }) => steps.push(done) });
    expect(steps[0]).toBeGreaterThanOrEqual(3000);
    expect(index.vectors).toBe(COUNT);
    const other = newFinder();
    await other.indexes.indexOf(await setNow());
    await fetched(other, index.id);
    expect(await recallOf(other)).toBeGreaterThanOrEqual(0.98);
  });

  it('fails when its process is killed, and the next attempt ends well', async () => {
    const killed = newBuilder();
    const broken = build('i8', { builder: killed, onStep: ({ done }) => done >= 2000 && void killed.close() });
    await expect(broken).rejects.toThrow('The search process');
    expect((await build('i8')).vectors).toBe(COUNT);
  });

  it('that another process still holds is left alone', async () => {
    const first = newBuilder();
    let second: Promise<unknown> | undefined;
    const index = await build('exact', {
      builder: first,
      onStep: () => {
        second ??= build('exact');
      },
    });
    await second;
    const published = await findPublishedIndex(bench.store, set);
    expect(published?.id).not.toBe(index.id);
    const other = newFinder();
    await other.indexes.indexOf(await setNow());
    await fetched(other, published?.id as string);
    expect(await recallOf(other)).toBe(1);
  });
});

describe('a cache', () => {
  it('that is lost or damaged is fetched again', async () => {
    const index = await build('i8');
    const first = newFinder();
    await first.indexes.indexOf(await setNow());
    await fetched(first, index.id);
    await recallOf(first);

    const damaged = join(bench.folder, 'damaged');
    await cp(first.cache, damaged, { recursive: true });
    const graph = join(damaged, 'indexes', index.id, 'graph');
    const bytes = await readFile(graph);
    await writeFile(graph, bytes.fill(0xff, 0, 4096));
    const second = newFinder(damaged);
    expect(await recallOf(second)).toBeGreaterThanOrEqual(0.98);
    await fetched(second, index.id);
    expect((await readFile(graph)).subarray(0, 8)).not.toEqual(Buffer.alloc(8, 0xff));

    await rm(join(first.cache, 'indexes'), { recursive: true });
    const third = newFinder(first.cache);
    expect(await recallOf(third)).toBeGreaterThanOrEqual(0.98);
    await fetched(third, index.id);
    expect(await readdir(join(first.cache, 'indexes'))).toEqual([index.id]);
  });
});
