import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Comparer, createComparer } from '../../core/search/duplicates/comparer.ts';
import { divide, MOST_EXACT } from '../../core/search/duplicates/plan.ts';
import { createUnion } from '../../core/search/duplicates/union.ts';
import type { SearchedSet } from '../../core/search/finder.ts';
import { randomNumbers } from '../../scripts/random-numbers.ts';
import { createProcessMachine, type ProcessMachine } from '../../search/process-machine.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { clusteredVectors, dot, fillWithVectors, unit } from './vectors.ts';

const DIM = 64;
const COUNT = 3000;
const THRESHOLD = 0.95;

let bench: Workbench;
let machine: ProcessMachine;
let comparer: Comparer;
let set: SearchedSet;
let vectors: Float32Array[];
/** Groups by comparing each vector with each. */
let groups: number[][];

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  set = { datasetId: bench.newDataset(), modelKey: 'm@000000000001', dim: DIM };
  const random = randomNumbers(3);
  vectors = clusteredVectors(COUNT, DIM);
  // Every tenth is near to one before it, some only just, and 60 are near to each other.
  for (let seq = 10; seq < COUNT; seq += 10) {
    const of = vectors[seq < 600 ? 1 : Math.floor(random() * seq)] as Float32Array;
    const noise = 0.02 + 0.12 * random();
    vectors[seq] = unit(of.map((element) => element + (random() - 0.5) * noise));
  }
  const union = createUnion();
  for (let a = 0; a < COUNT; a += 1)
    for (let b = a + 1; b < COUNT; b += 1)
      if (dot(vectors[a] as Float32Array, vectors[b] as Float32Array) >= THRESHOLD) union.join(a, b);
  groups = inOrder(union.groups());
  await fillWithVectors(bench.store, set, vectors);
  machine = createProcessMachine({ idleMs: 60_000 });
  comparer = createComparer(bench.store, machine);
});
afterAll(async () => {
  await comparer?.close();
  await bench?.stop();
});

const inOrder = (some: number[][]) => some.sort(([a = 0], [b = 0]) => a - b);

async function compare(more: {
  plan: string;
  exact?: boolean;
  size?: number;
  signal?: AbortSignal;
}): Promise<number[][]> {
  const { size = 1000, exact = true, signal = new AbortController().signal, plan } = more;
  const union = createUnion();
  const chunks = Array.from({ length: Math.ceil(COUNT / size) }, (_, n) => n * size);
  const request = { set, plan, exact, threshold: THRESHOLD, onStep: () => undefined, signal };
  await Promise.all(
    chunks.map(async (from) => {
      for (const pair of await comparer.compare({ ...request, from, to: from + size })) union.join(...pair);
    }),
  );
  return inOrder(union.groups());
}

describe('the comparison of all vectors', () => {
  it('has something to find', () => {
    expect(groups.length).toBeGreaterThan(100);
    expect(Math.max(...groups.map(({ length }) => length))).toBeGreaterThan(50);
  });

  it.each([1000, 257])('finds the groups that brute force finds, in chunks of %i', async (size) => {
    expect(await compare({ plan: `chunks of ${size}`, size })).toEqual(groups);
  });

  it('finds them by a graph of neighbours, but for a few', async () => {
    const found = await compare({ plan: 'graph', exact: false });
    const known = new Set(groups.map(String));
    expect(found.filter((group) => known.has(String(group))).length).toBeGreaterThan(0.98 * groups.length);
  });

  it('goes on when its process is killed, before and while it compares', async () => {
    await compare({ plan: 'killed' });
    process.kill(machine.pid as number, 'SIGKILL');
    expect(await compare({ plan: 'killed' })).toEqual(groups);
    const running = compare({ plan: 'killed' });
    process.kill(machine.pid as number, 'SIGKILL');
    expect(await running).toEqual(groups);
  });

  it('ends when it is told to, and can be begun again at once', async () => {
    const end = new AbortController();
    const running = compare({ plan: 'ended', signal: end.signal });
    end.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(await compare({ plan: 'ended' })).toEqual(groups);
  });

  it('keeps two comparisons apart, and a third that takes the place of one', async () => {
    const found = await Promise.all(['one', 'two', 'three'].map((plan) => compare({ plan })));
    expect(found).toEqual([groups, groups, groups]);
  });
});

describe('the plan of a comparison', () => {
  const seqs = (count: number) => Array.from({ length: count }, (_, n) => 3 * n);

  it('has each vector in one chunk', () => {
    for (const count of [0, 1, 256, 257, 5000, 20_000]) {
      const { chunks } = divide(seqs(count));
      expect(chunks.reduce((sum, [, , n]) => sum + n, 0)).toBe(count);
      for (const [from, to, n] of chunks) expect(seqs(count).filter((seq) => seq >= from && seq < to)).toHaveLength(n);
    }
  });

  it('compares each with each up to 50,000, in chunks of about equal work, at most a thousand', () => {
    expect(divide(seqs(MOST_EXACT)).exact).toBe(true);
    expect(divide(seqs(MOST_EXACT + 1)).exact).toBe(false);
    expect(divide(seqs(MOST_EXACT)).chunks.length).toBeGreaterThan(20);
    expect(divide(seqs(5_000_000)).chunks).toHaveLength(1000);
  });
});

describe('a union', () => {
  it('joins numbers that others join', () => {
    const union = createUnion();
    expect([union.join(9, 4), union.join(2, 9), union.join(4, 2)]).toEqual([true, true, false]);
    union.join(7, 8);
    expect([union.areJoined(4, 2), union.areJoined(4, 7), union.areJoined(1, 1)]).toEqual([true, false, true]);
    expect(union.groups().sort((a, b) => a.length - b.length)).toEqual([
      [7, 8],
      [2, 4, 9],
    ]);
  });
});
