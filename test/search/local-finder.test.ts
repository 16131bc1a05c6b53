import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { SearchedSet } from '../../core/search/finder.ts';
import { createLocalBuilder } from '../../core/search/local-builder.ts';
import { createLocalFinder, type Indexes, type PublishedIndex } from '../../core/search/local-finder.ts';
import { createLocalMachine } from '../../core/search/local-machine.ts';
import { searchVectors } from '../../core/search/search-samples.ts';
import { MachineEndedError, type VectorMachine } from '../../core/search/vector-machine.ts';
import { clusterTime } from '../../core/store/cluster-time.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { writeVectors } from '../../core/store/embeddings.ts';
import { versionOf } from '../../core/store/sample-version.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { clusteredVectors, dot, fillWithVectors } from './vectors.ts';

const DIM = 16;
const COUNT = 1200;
const vectors = clusteredVectors(COUNT, DIM);
const [query] = clusteredVectors(1, DIM, 2) as [Float32Array];
const RARE = [17, 902, 1199];

let bench: Workbench;
let set: SearchedSet;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  set = await filled();
});
afterAll(() => bench?.stop());

async function filled(): Promise<SearchedSet> {
  const one = { datasetId: bench.newDataset(), modelKey: 'm@000000000001', dim: DIM };
  await fillWithVectors(bench.store, one, vectors, (seq) => ({ tags: RARE.includes(seq) ? ['rare'] : [] }));
  return one;
}

const nearest = (limit: number, allowed: (seq: number) => boolean = () => true) =>
  vectors
    .map((vector, seq) => ({ seq, score: dot(query, vector) }))
    .filter(({ seq }) => allowed(seq))
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ seq }) => seq);

/** An index with a graph of all vectors, in a folder of its own. */
async function built(): Promise<PublishedIndex & { folder: string }> {
  const covers = await clusterTime(bench.store);
  const builder = createLocalBuilder();
  await builder.open(await mkdtemp(join(bench.folder, 'index-')), { dim: DIM, kind: 'i8', threads: 1 });
  await builder.begin({ covers, vectors: COUNT });
  const all = new Float32Array(COUNT * DIM);
  for (const [seq, vector] of vectors.entries()) all.set(vector, seq * DIM);
  await builder.add([...vectors.keys()], all);
  const { files, folder } = await builder.finish();
  await builder.close();
  return { id: 'one', covers, files, vectors: COUNT, folder };
}

/** A finder that has an index, whose machine does what a test changes, and what it was asked for. */
function finderWith(index: PublishedIndex | undefined, change: (machine: VectorMachine) => Partial<VectorMachine>) {
  const machine = createLocalMachine();
  const changed = { ...machine, ...change(machine) };
  const opened: boolean[] = [];
  const forgotten: string[] = [];
  const indexes: Indexes = {
    indexOf: async () => index,
    forget: async (id) => void forgotten.push(id),
  };
  const finder = createLocalFinder(bench.store, {
    machine: {
      ...changed,
      open(name, dim, files) {
        opened.push(files !== undefined);
        return changed.open(name, dim, files);
      },
    },
    indexes,
  });
  onTestFinished(() => finder.close());
  return { finder, opened, forgotten };
}

const seqsOf = ({ hits }: { hits: { seq: number }[] }) => hits.map(({ seq }) => seq);

type Found = ReturnType<typeof finderWith>;
const search = async ({ finder }: Found, of = set, filter?: { tag: string }) =>
  searchVectors(bench.store, finder, { set: of, vector: query, limit: 10, ...(filter && { filter }) });

describe('an index with a graph', () => {
  it('is searched with a filter when its files were removed since it was opened', async () => {
    const index = await built();
    const found = finderWith(index, () => ({}));
    expect((await search(found)).exact).toBe(false);
    await rm(index.folder, { recursive: true });
    expect(seqsOf(await search(found, set, { tag: 'rare' }))).toEqual(nearest(3, (seq) => RARE.includes(seq)));
    expect([found.opened, found.forgotten]).toEqual([[true], []]);
  });

  it('whose rows can not be read is left, and the vectors are read from MongoDB', async () => {
    const index = await built();
    const found = finderWith(index, ({ find, open }) => {
      const withFiles = new Set<string>();
      return {
        open(name, dim, files) {
          if (files !== undefined) withFiles.add(name);
          return open(name, dim, files);
        },
        find: async (name, near, count, among) => {
          if (withFiles.has(name) && among !== undefined) throw new Error('EIO: i/o error, read');
          return find(name, near, count, among);
        },
      };
    });
    expect(seqsOf(await search(found, set, { tag: 'rare' }))).toEqual(nearest(3, (seq) => RARE.includes(seq)));
    expect([found.opened, found.forgotten]).toEqual([[true, false], ['one']]);
  });

  it('is opened once more when the process ends meanwhile, and stays on the disk', async () => {
    let ended = 0;
    const found = finderWith(await built(), ({ open }) => ({
      async open(name, dim, files) {
        ended += 1;
        if (ended === 1) throw new MachineEndedError('The search process was ended by SIGKILL.');
        return open(name, dim, files);
      },
    }));
    expect((await search(found)).exact).toBe(false);
    expect([found.opened, found.forgotten]).toEqual([[true, true], []]);
  });

  it.each<[string, Error, boolean[], string[]]>([
    ['ends the process', new MachineEndedError('It was ended by SIGSEGV.'), [true, true, false], []],
    ['does not fit into memory', new Error('ENOMEM: not enough memory, read'), [true, false], []],
    ['is damaged', new Error('graph ends 7 bytes too soon.'), [true, false], ['one']],
  ])('that %s is not opened by each search', async (_, error, opened, forgotten) => {
    const found = finderWith(await built(), ({ open }) => ({
      async open(name, dim, files) {
        if (files !== undefined) throw error;
        return open(name, dim);
      },
    }));
    for (let searches = 0; searches < 3; searches += 1) expect(seqsOf(await search(found))).toEqual(nearest(10));
    expect([found.opened, found.forgotten]).toEqual([opened, forgotten]);
  });
});

describe('a set in memory', () => {
  it('is opened anew when most of its vectors were replaced, and once', async () => {
    const rewritten = await filled();
    const found = finderWith(undefined, () => ({}));
    await search(found, rewritten);
    await writeAgain(rewritten);
    // The first search takes them in, the second one opens the set anew.
    for (let searches = 0; searches < 4; searches += 1)
      expect(seqsOf(await search(found, rewritten))).toEqual(nearest(10));
    expect(found.opened).toEqual([false, false]);
  });

  it('gives way to one that has grown while it was held', async () => {
    const [first, second] = [await filled(), set];
    const machine = createLocalMachine();
    const dropped: string[] = [];
    const finder = createLocalFinder(bench.store, {
      machine: { ...machine, drop: async (name) => void dropped.push(name.split(' ')[0] as string) },
      mostBytes: 2.5 * COUNT * DIM,
    });
    for (const one of [second, first]) await search({ finder } as Found, one);
    expect(dropped).toEqual([]);
    await writeAgain(first);
    await search({ finder } as Found, first);
    expect(dropped).toEqual([second.datasetId]);
  });
});

/** Writes each vector again, as an embedding of changed files does. */
async function writeAgain(of: SearchedSet): Promise<void> {
  const samples = await collectionsOf(bench.store).samples.find({ dataset_id: of.datasetId }).toArray();
  await writeVectors(
    bench.store,
    of,
    samples.map((sample) => ({
      seq: sample.seq,
      sampleId: sample._id,
      vector: vectors[sample.seq] as Float32Array,
      content: 'c',
      version: versionOf(sample),
      isStale: true,
    })),
  );
}
