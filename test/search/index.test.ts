import { cp, mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IndexKind } from '../../contract/job.ts';
import { knownMedia } from '../../core/media/registry.ts';
import { buildIndex, indexNeeded, nextSave } from '../../core/search/build-index.ts';
import { claimIfFree } from '../../core/search/claim-folder.ts';
import type { SearchedSet } from '../../core/search/finder.ts';
import type { IndexBuilder } from '../../core/search/index-builder.ts';
import { createIndexCache } from '../../core/search/index-cache.ts';
import { createLocalFinder } from '../../core/search/local-finder.ts';
import { keepBuilt } from '../../core/search/publish-index.ts';
import { searchVectors } from '../../core/search/search-samples.ts';
import { GRAPH_KINDS } from '../../core/search/vector-machine.ts';
import { createWordFinder } from '../../core/search/words/word-finder.ts';
import { createLocalWords } from '../../core/search/words/word-machine.ts';
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

async function build(
  kind?: IndexKind,
  {
    of = set,
    signal = new AbortController().signal,
    onStep = () => undefined,
    builder = newBuilder(),
  }: {
    of?: SearchedSet;
    signal?: AbortSignal;
    onStep?: (progress: { done: number }) => void;
    builder?: IndexBuilder;
  } = {},
) {
  try {
    return await buildIndex(bench.store, builder, { set: of, kind, cache: workerCache, onStep, signal });
  } finally {
    await builder.close();
  }
}

/** Breaks a build off when so many vectors are in the index. They are saved. */
async function breakOff(kind: IndexKind, at: number, of = set): Promise<void> {
  const canceled = new AbortController();
  const onStep = ({ done }: { done: number }) => done >= at && canceled.abort(new Error('canceled'));
  await expect(build(kind, { of, signal: canceled.signal, onStep })).rejects.toThrow(/canceled|abort/);
}

/** Builds an index, and returns from how many saved vectors the build went on. */
async function goOn(kind: IndexKind, of = set) {
  const steps: number[] = [];
  const index = await build(kind, { of, onStep: ({ done }) => steps.push(done) });
  return { index, from: steps[0] };
}

const indexesIn = (cache: string) => readdir(join(cache, 'indexes'));

/** The only folder of a broken-off build in the worker's cache. */
async function buildingFolder(): Promise<string> {
  const [folder, ...others] = (await indexesIn(workerCache)).filter((name) => name.startsWith('building-'));
  expect(others).toEqual([]);
  return join(workerCache, 'indexes', folder as string);
}

/** A folder in a cache that nobody has used for so many days. */
async function leaveBehind(cache: string, name: string, daysAgo: number): Promise<void> {
  const folder = join(cache, 'indexes', name);
  await mkdir(folder, { recursive: true });
  const at = new Date(Date.now() - daysAgo * 24 * 3600 * 1000);
  await utimes(folder, at, at);
}

/** The file of a graph in a folder. */
async function graphIn(folder: string): Promise<string> {
  const name = (await readdir(folder)).find((file) => file.startsWith('graph-'));
  return join(folder, name as string);
}

async function newSet(of: readonly Float32Array[]): Promise<SearchedSet> {
  const other = { ...set, datasetId: bench.newDataset() };
  await fillWithVectors(bench.store, other, of);
  return other;
}

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
  const searcher = createSearcher({
    store: bench.store,
    finder: other.finder,
    words: createWordFinder(bench.store, { machine: createLocalWords() }),
    embedder,
    media: knownMedia(),
  });
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
    await breakOff('i8', 3000);
    expect(await findPublishedIndex(bench.store, set)).toEqual(before);

    const { index, from } = await goOn('i8');
    expect(from).toBeGreaterThanOrEqual(3000);
    expect(index.vectors).toBe(COUNT);
    expect(await indexesIn(workerCache)).toEqual([index.id]);
    expect((await readdir(join(workerCache, 'indexes', index.id))).sort()).toEqual(['graph', 'rows', 'seqs']);
    const other = newFinder();
    await other.indexes.indexOf(await setNow());
    await fetched(other, index.id);
    expect(await recallOf(other)).toBeGreaterThanOrEqual(0.98);
  });

  it('fails when its process is killed, and the next attempt goes on from what that saved', async () => {
    const killed = newBuilder();
    const saving: IndexBuilder = {
      ...killed,
      async add(...given) {
        await killed.add(...given);
        await killed.save();
      },
    };
    const broken = build('i8', { builder: saving, onStep: ({ done }) => done >= 2000 && void killed.close() });
    await expect(broken).rejects.toThrow('The search process');
    const { index, from } = await goOn('i8');
    expect(from).toBeGreaterThanOrEqual(1000);
    expect(index.vectors).toBe(COUNT);
  });

  it.each<[IndexKind, string, (folder: string) => Promise<void>]>([
    ['exact', 'its rows are gone', (folder) => rm(join(folder, 'rows'))],
    ['exact', 'its seqs end too soon', (folder) => truncate(join(folder, 'seqs'), 8)],
    ['f32', 'its graph is gone', async (folder) => rm(await graphIn(folder))],
    ['f32', 'its graph ends too soon', async (folder) => truncate(await graphIn(folder), 100_000)],
    ['f32', "its record can't be read", (folder) => writeFile(join(folder, 'saved.json'), '{"count":')],
  ])('begins anew, %s: %s', async (kind, _, damage) => {
    await breakOff(kind, 3000);
    await damage(await buildingFolder());
    const { index, from } = await goOn(kind);
    expect(from).toBe(0);
    expect(index.vectors).toBe(COUNT);
    const other = newFinder();
    await other.indexes.indexOf(await setNow());
    await fetched(other, index.id);
    expect(await recallOf(other)).toBeGreaterThanOrEqual(0.98);
    expect(other.logged).toEqual([]);
  });

  it('begins anew when more than a tenth was written since', async () => {
    await breakOff('exact', 3000);
    const record = join(await buildingFolder(), 'saved.json');
    const saved = JSON.parse(await readFile(record, 'utf8'));
    const { covers } = saved.beginning;
    // It began an hour ago, before any of the vectors was written.
    await writeFile(record, JSON.stringify({ ...saved, beginning: { covers: covers - 3600, vectors: 0 } }));
    const { index, from } = await goOn('exact');
    expect(from).toBe(0);
    expect(index.covers).toBeGreaterThanOrEqual(covers);
  });

  it('forgets what was saved before it began anew', async () => {
    await breakOff('exact', 3000);
    await rm(join(await buildingFolder(), 'seqs'));
    const killed = newBuilder();
    const broken = build('exact', { builder: killed, onStep: ({ done }) => done >= 4000 && void killed.close() });
    await expect(broken).rejects.toThrow('The search process');
    expect((await goOn('exact')).from).toBe(0);
  });

  it('begins anew when more than a tenth was removed since', async () => {
    const shrunk = await newSet(vectors.slice(0, 2500));
    await breakOff('exact', 2500, shrunk);
    const removed = { dataset_id: shrunk.datasetId, seq: { $gte: 1000 } };
    await collectionsOf(bench.store).embeddings.deleteMany(removed);
    expect(await goOn('exact', shrunk)).toMatchObject({ from: 0, index: { vectors: 1000 } });
  });

  it('is not gone on with for a dataset that was made again', async () => {
    const again = await newSet(vectors.slice(0, 500));
    await breakOff('exact', 500, again);
    const { datasets } = collectionsOf(bench.store);
    await datasets.updateOne({ _id: again.datasetId }, { $set: { created_at: new Date() } });
    expect((await goOn('exact', again)).from).toBe(0);
  });

  it('gives its folder back when its builder is closed', async () => {
    const builder = newBuilder();
    const folder = join(workerCache, 'indexes', 'building-closed');
    await builder.open(folder, { dim: DIM, kind: 'exact', threads: 1 });
    expect(await claimIfFree(folder)).toBeUndefined();
    await builder.close();
    const claimed = await claimIfFree(folder);
    expect(claimed?.folder).toBe(folder);
    claimed?.release();
    await rm(folder, { recursive: true });
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

it('is saved less often as it grows, so that all saves write about five times as much as the last', () => {
  const most = 20_000_000;
  const saves: number[] = [];
  for (let at = nextSave(0); at < most; at = nextSave(at)) saves.push(at);
  expect(saves.slice(0, 3)).toEqual([100_000, 200_000, 300_000]);
  expect(saves.reduce((sum, at) => sum + at, 0)).toBeLessThan(5.2 * most);
});

it.each(['exact', 'f32'] as const)('of a set without vectors is built, fetched and searched: %s', async (kind) => {
  const empty = await newSet([]);
  const index = await build(kind, { of: empty });
  expect(index).toMatchObject({ kind, vectors: 0, files: [{ name: 'seqs' }, { name: 'rows' }] });
  const other = newFinder();
  const indexed = { ...empty, index };
  await expect.poll(async () => (await other.indexes.indexOf(indexed))?.id).toBe(index.id);
  const search = { set: indexed, vector: queries[0] as Float32Array, limit: 3 };
  expect(await searchVectors(bench.store, other.finder, search)).toMatchObject({ hits: [], exact: true });
  // A finder that could not open the files would have forgotten them.
  expect(await readdir(join(other.cache, 'indexes', index.id))).toHaveLength(2);
});

describe('a cache', () => {
  it('is swept by a build', async () => {
    await leaveBehind(workerCache, 'unused', 15);
    await build('exact');
    expect(await indexesIn(workerCache)).not.toContain('unused');
  });

  it('is swept when it is first used, and after a fetch', async () => {
    const index = await build('exact');
    const cache = join(bench.folder, 'swept');
    await leaveBehind(cache, 'unused', 15);
    const found = newFinder(cache);
    await expect.poll(() => indexesIn(cache)).toEqual([]);
    await leaveBehind(cache, 'unused', 15);
    await fetched(found, index.id);
    await expect.poll(() => indexesIn(cache)).toEqual([index.id]);
  });

  it('that has fetched an index before it was moved there keeps nothing else of it', async () => {
    const index = await build('exact');
    const cache = join(bench.folder, 'fetched-first');
    const first = newFinder(cache);
    await fetched(first, index.id);
    const folder = join(cache, 'indexes', 'building-1234');
    await cp(join(cache, 'indexes', index.id), folder, { recursive: true });
    const files = { seqs: join(folder, 'seqs'), rows: join(folder, 'rows') };
    await expect(keepBuilt(cache, index, { folder, files, count: COUNT })).rejects.toThrow('ENOTEMPTY');
    expect(await indexesIn(cache)).toEqual([index.id]);
  });

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
