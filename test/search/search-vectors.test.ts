import { Binary, type CommandStartedEvent, ObjectId } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Finder, SearchedSet } from '../../core/search/finder.ts';
import { createLocalFinder } from '../../core/search/local-finder.ts';
import { searchVectors } from '../../core/search/search-samples.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { writeVectors } from '../../core/store/embeddings.ts';
import { openStore } from '../../core/store/open.ts';
import { versionOf } from '../../core/store/sample-version.ts';
import { randomNumbers } from '../../scripts/random-numbers.ts';
import { createProcessMachine, type ProcessMachine } from '../../search/process-machine.ts';
import { uriOf } from '../api/support/open-api.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { clusteredVectors, dot, fillWithVectors, unit } from './vectors.ts';

const DIM = 64;
const COUNT = 8000;
const RARE = new Set([17, 902, 7999]);
/** The first samples match all, the others rarely. */
const isPatchy = (seq: number) => seq < 120 || seq % 10 === 0;

let bench: Workbench;
let machine: ProcessMachine;
let finder: Finder;
let set: SearchedSet;
let vectors: Float32Array[];

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  set = { datasetId: bench.newDataset(), modelKey: 'm@000000000001', dim: DIM };
  vectors = clusteredVectors(COUNT, DIM);
  await fillWithVectors(bench.store, set, vectors, (seq) => ({
    tags: [
      ...(RARE.has(seq) ? ['rare'] : []),
      ...(seq % 100 === 0 ? ['percent'] : []),
      ...(seq % 10 === 0 ? ['tenth'] : []),
      ...(seq % 40 === 0 ? ['fortieth'] : []),
      ...(seq < 150 ? ['early'] : []),
      ...(isPatchy(seq) ? ['patchy'] : []),
    ],
  }));
  machine = createProcessMachine({ idleMs: 60_000 });
  finder = createLocalFinder(bench.store, { machine });
});
afterAll(async () => {
  await finder?.close();
  await bench?.stop();
});

const queries = clusteredVectors(20, DIM, 2);

/** The nearest seqs by comparing the query with every vector. */
function bruteForce(query: Float32Array, limit: number, allowed: (seq: number) => boolean = () => true): number[] {
  return vectors
    .map((vector, seq) => ({ seq, score: dot(query, vector) }))
    .filter(({ seq }) => allowed(seq))
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ seq }) => seq);
}

const search = (vector: Float32Array, limit = 10, more: object = {}) =>
  searchVectors(bench.store, finder, { set, vector, limit, ...more });

const seqsOf = ({ hits }: { hits: { seq: number }[] }) => hits.map(({ seq }) => seq);

describe('a search of every vector', () => {
  it('equals brute force, in order and score', async () => {
    for (const query of queries) {
      const found = await search(query);
      expect(found.exact).toBe(true);
      expect(seqsOf(found)).toEqual(bruteForce(query, 10));
      for (const { seq, score } of found.hits) expect(score).toBeCloseTo(dot(query, vectors[seq] as Float32Array), 5);
    }
  });

  it('finds a thousand', async () => {
    const [query] = queries as [Float32Array];
    expect(seqsOf(await search(query, 1000))).toEqual(bruteForce(query, 1000));
  });

  it('takes a query of any length', async () => {
    const [query] = queries as [Float32Array];
    const longer = await search(query.map((element) => element * 7));
    expect(seqsOf(longer)).toEqual(bruteForce(query, 10));
    expect(longer.hits[0]?.score).toBeCloseTo((await search(query)).hits[0]?.score as number, 6);
  });

  it('is exact with a filter that matches few, a percent, or all', async () => {
    for (const query of queries.slice(0, 5)) {
      const rare = await search(query, 10, { filter: { tag: 'rare' } });
      expect([seqsOf(rare), rare.exact]).toEqual([bruteForce(query, 10, (seq) => RARE.has(seq)), true]);
      const percent = await search(query, 10, { filter: { tag: 'percent' } });
      expect([seqsOf(percent), percent.exact]).toEqual([bruteForce(query, 10, (seq) => seq % 100 === 0), true]);
      const all = await search(query, 10, { filter: { status: 'indexed' } });
      expect([seqsOf(all), all.exact]).toEqual([bruteForce(query, 10), true]);
    }
    expect(await search(queries[0] as Float32Array, 10, { filter: { tag: 'nobody' } })).toEqual({
      hits: [],
      exact: true,
    });
  });

  it('leaves out what it is told to', async () => {
    const [query] = queries as [Float32Array];
    const nearest = bruteForce(query, 11);
    expect(seqsOf(await search(query, 10, { without: nearest.slice(0, 1) }))).toEqual(nearest.slice(1));
  });

  it('goes on when its process is killed', async () => {
    const [query] = queries as [Float32Array];
    process.kill(machine.pid as number, 'SIGKILL');
    expect(seqsOf(await search(query))).toEqual(bruteForce(query, 10));
    const one = search(query);
    process.kill(machine.pid as number, 'SIGKILL');
    expect(seqsOf(await one)).toEqual(bruteForce(query, 10));
  });
});

describe('a search with a filter', () => {
  const query = queries[2] as Float32Array;

  /** Searches, and tells how many candidates were asked for, and among how many vectors. */
  async function looksOf(filter: object) {
    const looks: { count: number; among: number | undefined }[] = [];
    const watched: Finder = {
      ...finder,
      async at(of) {
        const at = await finder.at(of);
        return {
          most: at.most,
          find(near, count, among) {
            looks.push({ count, among: among?.length });
            return at.find(near, count, among);
          },
        };
      },
    };
    return { looks, found: await searchVectors(bench.store, watched, { set, vector: query, limit: 10, filter }) };
  }

  it('that few match compares the query with these alone', async () => {
    for (const [tag, matches] of Object.entries({ rare: 3, percent: 80, fortieth: 200 }))
      expect((await looksOf({ tag })).looks).toEqual([{ count: 34, among: matches }]);
  });

  it('looks at more candidates, the fewer match', async () => {
    expect((await looksOf({ status: 'indexed' })).looks).toEqual([{ count: 34, among: undefined }]);
    const { looks, found } = await looksOf({ tag: 'tenth' });
    expect(looks).toEqual([{ count: expect.closeTo(340, -1), among: undefined }]);
    expect([seqsOf(found), found.exact]).toEqual([bruteForce(query, 10, (seq) => seq % 10 === 0), true]);
  });

  it('is exact where the first matches look like many', async () => {
    const { looks, found } = await looksOf({ tag: 'early' });
    expect(looks.at(-1)).toEqual({ count: 34, among: 150 });
    expect([seqsOf(found), found.exact]).toEqual([bruteForce(query, 10, (seq) => seq < 150), true]);
  });
});

describe('a search with a filter that many match', () => {
  it('looks further before it reads all that match, beside a graph', async () => {
    const counts: number[] = [];
    const graph: Finder = {
      ...finder,
      async at(of) {
        const at = await finder.at(of);
        return {
          most: at.most,
          async find(near, count, among) {
            if (among !== undefined) throw new Error('All that match were read.');
            counts.push(count);
            return { ...(await at.find(near, count)), exact: false };
          },
        };
      },
    };
    const find = searchVectors(
      bench.store,
      graph,
      { set, vector: queries[2] as Float32Array, limit: 10, filter: { tag: 'patchy' } },
      { matches: 500 },
    );
    expect(seqsOf(await find)).toEqual(bruteForce(queries[2] as Float32Array, 10, isPatchy));
    expect(counts).toEqual([34, 1000]);
  });
});

describe('a vector that is none of the model’s', () => {
  it.each<[string, Binary]>([
    ['has another length', Binary.fromFloat32Array(new Float32Array(DIM / 2).fill(1))],
    ['holds whole numbers', Binary.fromInt8Array(new Int8Array(4 * DIM).fill(1))],
    ['is no vector', new Binary(new Uint8Array(2 + 4 * DIM).fill(0x27))],
  ])('is no hit: one that %s', async (_, vector) => {
    const [query] = queries as [Float32Array];
    const [first, ...others] = [...RARE] as [number, ...number[]];
    const rare = async () => seqsOf(await search(query, 10, { filter: { tag: 'rare' } })).toSorted((a, b) => a - b);
    expect(await rare()).toEqual([first, ...others]);
    const { embeddings } = collectionsOf(bench.store);
    const of = { dataset_id: set.datasetId, model_key: set.modelKey, seq: first };
    const before = await embeddings.findOneAndUpdate(of, { $set: { vector } });
    try {
      expect(await rare()).toEqual(others);
    } finally {
      await embeddings.updateOne(of, { $set: { vector: before?.vector as Binary } });
    }
  });
});

describe('a change', () => {
  const query = queries[3] as Float32Array;

  it('of a vector is seen by the next search', async () => {
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
    const { hits } = await search(query);
    expect(hits[0]).toMatchObject({ seq: far, score: expect.closeTo(1, 5) });
    expect(hits.map(({ seq }) => seq)).toEqual(bruteForce(query, 10));
  });

  it('of a sample that is missing, has another file, is gone or replaced takes it out of the results', async () => {
    const { samples, embeddings } = collectionsOf(bench.store);
    const [first, second, third, fourth, ...rest] = bruteForce(query, 14) as [
      number,
      number,
      number,
      number,
      ...number[],
    ];
    await samples.updateOne({ dataset_id: set.datasetId, seq: first }, { $set: { status: 'missing' } });
    await samples.updateOne({ dataset_id: set.datasetId, seq: second }, { $set: { 'source.fingerprint': 'other' } });
    await embeddings.deleteOne({ dataset_id: set.datasetId, model_key: set.modelKey, seq: third });
    await embeddings.updateOne(
      { dataset_id: set.datasetId, model_key: set.modelKey, seq: fourth },
      { $set: { sample_id: new ObjectId() } },
    );
    expect(seqsOf(await search(query))).toEqual(rest);
  });
});

describe('a search among vectors', () => {
  const DENSE = 3000;
  const WANTED = 10;

  /** A dataset of its own, and the seqs whose vectors a search of it reads. */
  async function filledWith(few: readonly Float32Array[]) {
    const of = { datasetId: bench.newDataset(), modelKey: set.modelKey, dim: DIM };
    await fillWithVectors(bench.store, of, few);
    return of;
  }

  // The steps of int8 hide differences of 0.002.
  it.each([
    [0.02, DENSE / 2],
    [0.002, DENSE],
  ])('that differ by %d an element is exact, and reads none twice', async (apart, most) => {
    const random = randomNumbers(7);
    const query = queries[4] as Float32Array;
    const near = Array.from({ length: DENSE }, () => unit(query.map((element) => element + apart * (random() - 0.5))));
    const of = await filledWith(near);
    const uri = new URL(uriOf(bench.store));
    uri.searchParams.set('monitorCommands', 'true');
    const watched = openStore(uri.href);
    onTestFinished(() => watched.close());
    const read: number[] = [];
    watched.client.on('commandStarted', ({ command }: CommandStartedEvent) => {
      if (command.find === 'embeddings') read.push(...(command.filter.seq?.$in ?? []));
    });
    const found = await searchVectors(watched, finder, { set: of, vector: query, limit: WANTED });
    const best = near
      .map((vector, seq) => ({ seq, score: dot(query, vector) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, WANTED);
    expect([seqsOf(found), found.exact]).toEqual([best.map(({ seq }) => seq), true]);
    expect(new Set(read).size).toBe(read.length);
    expect(read.length).toBeLessThanOrEqual(most);
  });

  it('of which most were removed finds those that are left', async () => {
    const query = queries[5] as Float32Array;
    const far = clusteredVectors(150, DIM, 9);
    const of = await filledWith([...Array.from({ length: 600 }, () => query), ...far]);
    /** Its widest look holds fewer than were removed. */
    const narrow: Finder = { ...finder, at: async (one) => ({ ...(await finder.at(one)), most: 200 }) };
    const search = () => searchVectors(bench.store, narrow, { set: of, vector: query, limit: WANTED });
    await search();
    const { samples, embeddings } = collectionsOf(bench.store);
    const best = far
      .map((vector, i) => ({ seq: 600 + i, score: dot(query, vector) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, WANTED)
      .map(({ seq }) => seq);
    // The first were pruned, the others have changed and wait to be embedded.
    for (const collection of [samples, embeddings])
      await collection.deleteMany({ dataset_id: of.datasetId, seq: { $lt: 300 } } as never);
    await samples.updateMany(
      { dataset_id: of.datasetId, seq: { $gte: 300, $lt: 600 } },
      { $set: { 'source.fingerprint': 'other' } },
    );
    const found = await search();
    expect([seqsOf(found), found.exact]).toEqual([best, true]);
  });
});
