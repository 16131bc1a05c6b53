import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIndex } from '../core/search/build-index.ts';
import type { SearchedSet } from '../core/search/finder.ts';
import { createIndexCache } from '../core/search/index-cache.ts';
import { createLocalFinder } from '../core/search/local-finder.ts';
import { searchVectors } from '../core/search/search-samples.ts';
import { GRAPH_KINDS } from '../core/search/vector-machine.ts';
import { findPublishedIndex } from '../core/store/datasets.ts';
import type { Store } from '../core/store/store.ts';
import { createProcessBuilder } from '../search/process-builder.ts';
import { createProcessMachine } from '../search/process-machine.ts';
import { withStack } from './bench-stack.ts';
import { type BenchContext, type Measurement, scaled } from './context.ts';
import { cpuSeconds } from './cpu-time.ts';
import { type Figure, spreadOf } from './figure.ts';
import { DATASET } from './fill-samples.ts';
import { MODEL_KEY } from './fill-vectors.ts';
import { childrenRunning, watchPeakMemory } from './peak-memory.ts';
import { DIM, fillSearchedDataset, percentile, type Truth, times, WANTED } from './searched-dataset.ts';

const COUNT = 100_000;
const KINDS = ['exact', ...GRAPH_KINDS] as const;
type Kind = (typeof KINDS)[number];
const SET: SearchedSet = { datasetId: DATASET, modelKey: MODEL_KEY, dim: DIM };

/** Measures each kind of index: building and publishing it, and searching with it. */
export const searchIndexesMeasurement: Measurement = {
  name: 'search-indexes',
  summary: `build the index of ${COUNT.toLocaleString('en-US')} vectors of ${DIM} elements, each kind`,
  byDefault: false,
  measure: (context) =>
    withStack(context, [], async ({ client: { store } }) => {
      const count = scaled(context, COUNT);
      context.report(`search-indexes: writing ${count.toLocaleString('en-US')} vectors`);
      const { truths } = await fillSearchedDataset(store, count);
      const figures: Figure[] = [];
      for (const kind of KINDS) figures.push(await measureKind(context, store, { kind, count, truths }));
      return figures;
    }),
};

async function measureKind(
  context: BenchContext,
  store: Store,
  { kind, count, truths }: { kind: Kind; count: number; truths: Truth[] },
): Promise<Figure> {
  const cache = await mkdtemp(join(tmpdir(), 'plimsoll-bench-index-'));
  try {
    const built = await build(context, store, { kind, cache });
    const { p50, recall } = await search(store, cache, truths);
    context.report(`search-indexes: ${kind} in ${built.seconds.toFixed(1)} s, recall ${recall.toFixed(4)}`);
    return {
      measurement: 'search-indexes',
      what: `build and publish the index of ${count.toLocaleString('en-US')} vectors, kind ${kind}`,
      unit: 's',
      count,
      ...spreadOf([built.seconds]),
      floor: null,
      ratio: null,
      targets: [],
      facts: {
        size: `${(built.bytes / 1e6).toFixed(0)} MB`,
        [`recall@${WANTED}`]: recall.toFixed(4),
        search: `p50 ${p50.toFixed(1)} ms, without HTTP`,
      },
      bound_by: kind === 'exact' ? 'reading vectors from MongoDB' : 'the CPU: adding to the graph',
      peak_memory_bytes: built.peak,
      cpu_seconds: built.cpu,
      histories: [],
    };
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

async function build({ signal }: BenchContext, store: Store, { kind, cache }: { kind: Kind; cache: string }) {
  const builder = createProcessBuilder();
  const children = await childrenRunning(process.pid, 'search/child.ts');
  const memory = watchPeakMemory(async () => new Map(children.map((pid) => [pid, 'builder'])));
  try {
    const began = performance.now();
    const { bytes } = await buildIndex(store, builder, { set: SET, kind, cache, onStep: () => undefined, signal });
    const seconds = (performance.now() - began) / 1000;
    const cpu = await cpuSeconds(Object.fromEntries(children.map((pid) => ['builder', pid])));
    return { seconds, bytes, cpu, peak: await memory.end() };
  } finally {
    await builder.close();
  }
}

async function search(store: Store, cache: string, truths: readonly Truth[]): Promise<{ p50: number; recall: number }> {
  const indexes = createIndexCache(store, cache, (message) => {
    throw new Error(message);
  });
  const finder = createLocalFinder(store, { machine: createProcessMachine({ idleMs: 600_000 }), indexes });
  try {
    let right = 0;
    const queries = truths.values();
    const set = { ...SET, index: await findPublishedIndex(store, SET) };
    await searchVectors(store, finder, { set, vector: (truths[0] as Truth).query, limit: WANTED });
    const took = await times(truths.length, async () => {
      const { query, nearest } = queries.next().value as Truth;
      const { hits } = await searchVectors(store, finder, { set, vector: query, limit: WANTED });
      right += hits.filter(({ seq }) => nearest.includes(seq)).length;
    });
    return { p50: percentile(took, 0.5), recall: right / (truths.length * WANTED) };
  } finally {
    indexes.close();
    await finder.close();
  }
}
