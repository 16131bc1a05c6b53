import { Binary, type CommandStartedEvent, MongoClient, MongoServerSelectionError, Timestamp } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { checkVectorSearch } from '../../cli/doctor/check-search.ts';
import { createFinder } from '../../core/search/choose-finder.ts';
import type { SearchedSet } from '../../core/search/finder.ts';
import { createLocalMachine } from '../../core/search/local-machine.ts';
import { createMongodbFinder, type MongodbFinderOptions } from '../../core/search/mongodb-finder.ts';
import { searchVectors } from '../../core/search/search-samples.ts';
import { MachineEndedError } from '../../core/search/vector-machine.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { writeVectors } from '../../core/store/embeddings.ts';
import { storeOf } from '../../core/store/open.ts';
import { versionOf } from '../../core/store/sample-version.ts';
import type { Store } from '../../core/store/store.ts';
import { createVectorSearchIndex, nearestVectors } from '../../core/store/vector-search-index.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { type StandInVectorSearch, standInVectorSearch } from './stand-in-vector-search.ts';
import { clusteredVectors, dot, fillWithVectors } from './vectors.ts';

const DIM = 32;
const COUNT = 2000;
const RARE = new Set([17, 902, 1999]);

let bench: Workbench;
let set: SearchedSet;
let vectors: Float32Array[];

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  set = { datasetId: bench.newDataset(), modelKey: 'm@000000000001', dim: DIM };
  vectors = clusteredVectors(COUNT, DIM);
  await fillWithVectors(bench.store, set, vectors, (seq) => ({ tags: RARE.has(seq) ? ['rare'] : [] }));
  // Vectors of another model and of another dataset lie nearer to every query that is one of ours.
  await fillWithVectors(bench.store, { ...set, datasetId: bench.newDataset() }, vectors);
  // They were written long ago, so that only MongoDB's index can find them.
  await collectionsOf(bench.store).embeddings.updateMany({}, { $set: { written: new Timestamp({ t: 1, i: 1 }) } });
});
afterAll(async () => {
  await bench?.stop();
});

const queries = clusteredVectors(5, DIM, 2);
const [query] = queries as [Float32Array];

function bruteForce(near: Float32Array, limit: number, allowed: (seq: number) => boolean = () => true): number[] {
  return vectors
    .map((vector, seq) => ({ seq, score: dot(near, vector) }))
    .filter(({ seq }) => allowed(seq))
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ seq }) => seq);
}

const seqsOf = ({ hits }: { hits: { seq: number }[] }) => hits.map(({ seq }) => seq);

describe('on a server without vector search', () => {
  let client: MongoClient;
  let store: Store;
  const commands: Record<string, unknown>[] = [];

  beforeAll(async () => {
    client = new MongoClient(inject('mongodbUri'), { monitorCommands: true });
    client.on('commandStarted', ({ command, commandName }: CommandStartedEvent) => {
      if (['aggregate', 'createSearchIndexes'].includes(commandName)) commands.push(command);
    });
    store = storeOf(client);
  });
  afterAll(async () => {
    await client?.close();
  });
  beforeEach(() => {
    commands.length = 0;
  });

  const unavailable = expect.objectContaining({
    code: 'SearchUnavailable',
    message: expect.stringMatching(
      /^This MongoDB has no vector search \(.+\)\. .*8\.2 or later with mongot\. PLIMSOLL_SEARCH=local, the default/,
    ),
  });

  it('a search says what it needs', async () => {
    const finder = createFinder(store, { PLIMSOLL_SEARCH: 'mongodb' }, { machine: createLocalMachine() });
    await expect(searchVectors(store, finder, { set, vector: query, limit: 10 })).rejects.toEqual(unavailable);
    expect(commands).toEqual([
      expect.objectContaining({
        aggregate: 'embeddings',
        pipeline: [{ $listSearchIndexes: { name: 'plimsoll-vectors-32' } }],
        readConcern: { level: 'local' },
      }),
    ]);
    await finder.close();
  });

  it('the index is asked for with the fields that a query filters by', async () => {
    await expect(createVectorSearchIndex(store, DIM)).rejects.toEqual(unavailable);
    expect(commands).toEqual([
      expect.objectContaining({
        createSearchIndexes: 'embeddings',
        indexes: [
          {
            name: 'plimsoll-vectors-32',
            type: 'vectorSearch',
            definition: {
              fields: [
                { type: 'vector', path: 'vector', numDimensions: 32, similarity: 'cosine' },
                { type: 'filter', path: 'dataset_id' },
                { type: 'filter', path: 'model_key' },
                { type: 'filter', path: 'seq' },
              ],
            },
          },
        ],
      }),
    ]);
  });

  it('a query asks for twenty candidates a hit, or compares all that it is told to look among', async () => {
    await expect(nearestVectors(store, set, { query, count: 64 })).rejects.toEqual(unavailable);
    await expect(nearestVectors(store, set, { query, count: 1000 })).rejects.toEqual(unavailable);
    await expect(nearestVectors(store, set, { query, count: 64, among: [3, 5] })).rejects.toEqual(unavailable);
    const stage = {
      index: 'plimsoll-vectors-32',
      path: 'vector',
      queryVector: Binary.fromFloat32Array(query),
      limit: 64,
      filter: { dataset_id: set.datasetId, model_key: set.modelKey },
    };
    const project = { $project: { _id: 0, seq: 1, score: { $meta: 'vectorSearchScore' } } };
    expect(commands.map(({ pipeline }) => pipeline)).toEqual([
      [{ $vectorSearch: { ...stage, numCandidates: 1280 } }, project],
      [{ $vectorSearch: { ...stage, numCandidates: 10_000, limit: 1000 } }, project],
      [{ $vectorSearch: { ...stage, exact: true, filter: { ...stage.filter, seq: { $in: [3, 5] } } } }, project],
    ]);
    expect(commands.map(({ readConcern }) => readConcern)).toEqual(Array(3).fill({ level: 'local' }));
  });

  it('the doctor finds a problem', async () => {
    expect(await checkVectorSearch(store)).toEqual({
      name: 'Vector search',
      state: 'problem',
      found: expect.stringMatching(/^This MongoDB has no vector search/),
      advice: 'Unset PLIMSOLL_SEARCH, or name such a MongoDB in MONGODB_URI.',
    });
  });

  it('an outage is no lack of vector search', async () => {
    const away = storeOf(new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 1 }));
    await expect(nearestVectors(away, set, { query, count: 64 })).rejects.toBeInstanceOf(MongoServerSelectionError);
    await away.close();
  });

  it('asks nothing if there is nothing to look among', async () => {
    expect(await nearestVectors(store, set, { query, count: 64, among: [] })).toEqual([]);
    expect(commands).toEqual([]);
  });
});

describe('on a server with vector search', () => {
  let standIn: StandInVectorSearch;
  beforeEach(async () => {
    standIn = standInVectorSearch(bench.store);
    await standIn.follow();
  });

  const finderOn = (options: Partial<MongodbFinderOptions> = {}) =>
    createMongodbFinder(standIn.store, { machine: createLocalMachine(), pauseMs: 1, ...options });
  const search = (finder = finderOn(), more: object = {}) =>
    searchVectors(standIn.store, finder, { set, vector: query, limit: 10, ...more });

  it('equals brute force in order and score, and does not promise that nothing is missing', async () => {
    const finder = finderOn();
    for (const near of queries) {
      const found = await search(finder, { vector: near });
      expect(seqsOf(found)).toEqual(bruteForce(near, 10));
      expect(found.exact).toBe(false);
    }
    const { scores, seqs } = await (await finder.at(set)).find(query, 3);
    scores.forEach((score, i) => {
      expect(score).toBeCloseTo(dot(query, vectors[seqs[i] as number] as Float32Array), 6);
    });
  });

  it('compares the samples of a filter that matches few', async () => {
    const found = await search(finderOn(), { filter: { tag: 'rare' } });
    expect(seqsOf(found)).toEqual(bruteForce(query, 10, (seq) => RARE.has(seq)));
    expect(found.exact).toBe(false);
    expect(standIn.queries.at(-1)).toMatchObject({ exact: true, filter: { seq: { $in: [...RARE] } } });
    expect(seqsOf(await search(finderOn(), { filter: { tag: 'nobody' } }))).toEqual([]);
  });

  it('finds all that there are', async () => {
    expect(seqsOf(await search(finderOn(), { limit: 1999 }))).toEqual(bruteForce(query, 1999));
    const { seqs, all } = await (await finderOn().at(set)).find(query, 3000);
    expect([seqs.length, all]).toEqual([COUNT, true]);
  });

  it('creates the index and waits until it can be queried; others do not create it again', async () => {
    standIn.states = ['PENDING', 'BUILDING', 'READY'];
    const [one, other] = [finderOn(), finderOn()];
    const found = await Promise.all([search(one), search(other), search(one)]);
    for (const each of found) expect(seqsOf(each)).toEqual(bruteForce(query, 10));
    expect(standIn.created).toEqual(['plimsoll-vectors-32']);
  });

  it('says how far an index is that does not get ready', async () => {
    standIn.states = ['PENDING', 'BUILDING'];
    const finder = finderOn({ looks: 3 });
    await expect(search(finder)).rejects.toMatchObject({
      code: 'SearchUnavailable',
      message: 'MongoDB is building the search index plimsoll-vectors-32 (BUILDING; BUILDING). Search again later.',
    });
    expect(standIn.listed).toBe(3);
    standIn.states = ['READY'];
    expect(seqsOf(await search(finder))).toEqual(bruteForce(query, 10));
  });

  it('says why an index could not be built', async () => {
    standIn.states = ['FAILED'];
    await expect(search()).rejects.toMatchObject({
      code: 'SearchUnavailable',
      message: expect.stringMatching(
        /\(FAILED; FAILED, no disk on a server\)\..*dropSearchIndex\('plimsoll-vectors-32'\)/,
      ),
    });
  });

  it('has an index that was dropped built again', async () => {
    const finder = finderOn();
    await search(finder);
    standIn.drop();
    expect(seqsOf(await search(finder))).toEqual([]);
    expect(seqsOf(await search(finder))).toEqual(bruteForce(query, 10));
    expect(standIn.created).toEqual(['plimsoll-vectors-32', 'plimsoll-vectors-32']);
  });

  it('looks at the index again after a query that was refused', async () => {
    const finder = finderOn();
    await search(finder);
    standIn.states = ['FAILED'];
    await expect(search(finder)).rejects.toMatchObject({ message: expect.stringContaining('while in state FAILED') });
    await expect(search(finder)).rejects.toMatchObject({ message: expect.stringContaining('dropSearchIndex') });
  });

  it('the doctor tells how far each index is', async () => {
    const check = { name: 'Vector search', state: 'ok', advice: null };
    expect(await checkVectorSearch(standIn.store)).toEqual({
      ...check,
      found: 'by MongoDB: the first search has MongoDB build an index',
    });
    await search();
    standIn.create('of-others');
    expect(await checkVectorSearch(standIn.store)).toEqual({
      ...check,
      found: 'by MongoDB: plimsoll-vectors-32 READY',
    });
    standIn.states = ['BUILDING'];
    expect(await checkVectorSearch(standIn.store)).toEqual({
      ...check,
      state: 'warning',
      found: 'by MongoDB: plimsoll-vectors-32 BUILDING',
      advice: 'Searches get 503 until it is READY.',
    });
    standIn.states = ['FAILED'];
    expect(await checkVectorSearch(standIn.store)).toMatchObject({
      state: 'warning',
      advice: expect.stringContaining('dropSearchIndex'),
    });
  });

  it('ends a wait when it is closed', async () => {
    standIn.states = ['BUILDING'];
    const finder = finderOn({ pauseMs: 3_600_000 });
    const waiting = expect(search(finder)).rejects.toThrow('aborted');
    await expect.poll(() => standIn.created.length).toBe(1);
    await finder.close();
    await waiting;
  });

  it('finds what was written since the index was last up to date', async () => {
    const finder = finderOn();
    await search(finder);
    const [far] = bruteForce(
      query.map((element) => -element),
      1,
    ) as [number];
    const sample = await collectionsOf(bench.store).samples.findOne({ dataset_id: set.datasetId, seq: far });
    if (sample === null) throw new Error('no sample');
    await writeVectors(bench.store, set, [
      { seq: far, sampleId: sample._id, vector: query, content: 'c', version: versionOf(sample), isStale: true },
    ]);
    vectors[far] = query;
    const { hits } = await search(finder);
    expect(hits[0]).toMatchObject({ seq: far, score: expect.closeTo(1, 5) });
    expect(seqsOf({ hits })).toEqual(bruteForce(query, 10));
    expect(seqsOf(await search(finder, { filter: { tag: 'rare' } }))).toEqual(
      bruteForce(query, 10, (seq) => RARE.has(seq)),
    );
  });
});

it('what was written lately is forgotten after ten minutes, when the index has it', async () => {
  const standIn = standInVectorSearch(bench.store);
  await standIn.follow();
  const machine = createLocalMachine();
  const open = vi.spyOn(machine, 'open');
  const finder = createMongodbFinder(standIn.store, { machine });
  const now = performance.now();
  const clock = vi.spyOn(performance, 'now').mockReturnValue(now);
  try {
    for (const minutes of [0, 9, 11]) {
      clock.mockReturnValue(now + minutes * 60_000);
      await searchVectors(standIn.store, finder, { set, vector: query, limit: 10 });
    }
  } finally {
    clock.mockRestore();
  }
  expect(open).toHaveBeenCalledTimes(2);
});

it('a machine that ends does not make a search read all vectors from MongoDB', async () => {
  const standIn = standInVectorSearch(bench.store);
  await standIn.follow();
  const machine = createLocalMachine();
  const killed = new MachineEndedError('killed');
  vi.spyOn(machine, 'open').mockRejectedValueOnce(killed).mockRejectedValueOnce(killed);
  const add = vi.spyOn(machine, 'add');
  const finder = createMongodbFinder(standIn.store, { machine });
  const search = () => searchVectors(standIn.store, finder, { set, vector: query, limit: 10 });
  await expect(search()).rejects.toBeInstanceOf(MachineEndedError);
  expect(seqsOf(await search())).toEqual(bruteForce(query, 10));
  // One was written by a test.
  expect(add.mock.calls.flatMap(([, seqs]) => seqs).length).toBeLessThanOrEqual(1);
});

describe('candidates of the index and of what was written lately', () => {
  it('are all that there are only if neither has more', async () => {
    const standIn = standInVectorSearch(bench.store);
    const few = { ...set, datasetId: bench.newDataset() };
    await fillWithVectors(bench.store, few, vectors.slice(0, 3));
    const { embeddings } = collectionsOf(bench.store);
    await embeddings.updateOne(
      { dataset_id: few.datasetId, seq: 0 },
      { $set: { written: new Timestamp({ t: 1, i: 1 }) } },
    );
    const finder = createMongodbFinder(standIn.store, { machine: createLocalMachine() });
    const found = async (count: number) => {
      const { seqs, all } = await (await finder.at(few)).find(vectors[0] as Float32Array, count);
      return { seqs: seqs.toSorted(), all };
    };
    // Two were written lately.
    expect(await found(1)).toMatchObject({ all: false });
    expect(await found(2)).toEqual({ seqs: [1, 2], all: true });
    await standIn.follow({ seq: 0 });
    expect(await found(2)).toMatchObject({ seqs: { length: 2 }, all: false });
    expect(await found(3)).toEqual({ seqs: [0, 1, 2], all: true });
    await standIn.follow();
    expect(await found(1)).toEqual({ seqs: [0], all: false });
    expect(await found(3)).toEqual({ seqs: [0, 1, 2], all: false });
    expect(await found(4)).toEqual({ seqs: [0, 1, 2], all: true });
  });
});

describe('PLIMSOLL_SEARCH', () => {
  it.each(['', 'local', undefined])('%j searches on this machine', async (PLIMSOLL_SEARCH) => {
    const finder = createFinder(bench.store, { PLIMSOLL_SEARCH }, { machine: createLocalMachine() });
    const found = await searchVectors(bench.store, finder, { set, vector: query, limit: 10 });
    expect([seqsOf(found), found.exact]).toEqual([bruteForce(query, 10), true]);
    await finder.close();
  });

  it('of another value is refused', () => {
    const create = () => createFinder(bench.store, { PLIMSOLL_SEARCH: 'atlas' }, { machine: createLocalMachine() });
    expect(create).toThrow(
      expect.objectContaining({
        code: 'InvalidSetting',
        message: 'PLIMSOLL_SEARCH is "atlas"; it can be local or mongodb.',
      }),
    );
  });
});
