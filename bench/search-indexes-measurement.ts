import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIndex } from '../core/search/build-index.ts';
import type { SearchedSet } from '../core/search/finder.ts';
import { createGraph } from '../core/search/graph.ts';
import { createIndexCache } from '../core/search/index-cache.ts';
import { createLocalFinder } from '../core/search/local-finder.ts';
import { searchVectors } from '../core/search/search-samples.ts';
import { GRAPH_KINDS } from '../core/search/vector-machine.ts';
import { findPublishedIndex } from '../core/store/datasets.ts';
import type { Store } from '../core/store/store.ts';
import { createProcessBuilder } from '../search/process-builder.ts';
import { createProcessMachine } from '../search/process-machine.ts';
import type { BareSearch } from './bare-search.ts';
import { withStack } from './bench-stack.ts';
import { type BenchContext, type Measurement, scaled } from './context.ts';
import { cpuSeconds } from './cpu-time.ts';
import { type Figure, hold, spreadOf, type Target } from './figure.ts';
import { DATASET } from './fill-samples.ts';
import { MODEL_KEY } from './fill-vectors.ts';
import { childrenRunning, watchPeakMemory } from './peak-memory.ts';
import { DIM, fillSearchedDataset, percentile, type Truth, times, WANTED } from './searched-dataset.ts';

const COUNT = 100_000;
const KINDS = ['exact', ...GRAPH_KINDS] as const;
type Kind = (typeof KINDS)[number];
/** The kind whose building is compared with usearch alone: the one that large datasets get. */
const FLOORED = 'i8';
const CPU_AT_MOST = 1.1;
const MEMORY_AT_MOST = 1.5;
const RECALL_AT_LEAST: Readonly<Record<Kind, number>> = { exact: 1, f32: 0.99, bf16: 0.99, i8: 0.99, b1: 0.95 };
/** Vectors that usearch is given at once, as the builder does. */
const BATCH = 1000;
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
      const { truths, vectors } = await fillSearchedDataset(store, count);
      const figures: Figure[] = [];
      for (const kind of KINDS) figures.push(await measureKind(context, store, { kind, count, truths, vectors }));
      return figures;
    }),
};

async function measureKind(
  context: BenchContext,
  store: Store,
  { kind, count, truths, vectors }: { kind: Kind; count: number; truths: Truth[]; vectors: BareSearch },
): Promise<Figure> {
  const cache = await mkdtemp(join(tmpdir(), 'plimsoll-bench-index-'));
  try {
    const built = await build(context, store, { kind, cache });
    const { p50, recall } = await search(store, cache, truths);
    const bareCpu = kind === FLOORED ? bareGraph(vectors) : undefined;
    const cpu = built.cpu.builder ?? Number.NaN;
    const held = (target: Omit<Target, 'met'>) => hold(target, context.scale);
    context.report(`search-indexes: ${kind} in ${built.seconds.toFixed(1)} s, recall ${recall.toFixed(4)}`);
    return {
      measurement: 'search-indexes',
      what: `build and publish the index of ${count.toLocaleString('en-US')} vectors, kind ${kind}`,
      unit: 's',
      count,
      ...spreadOf([built.seconds]),
      floor: null,
      ratio: null,
      targets: [
        held({ what: `recall@${WANTED}`, value: recall, at_least: RECALL_AT_LEAST[kind], unit: '' }),
        ...(bareCpu === undefined
          ? []
          : [
              held({ what: 'CPU, of usearch alone', value: cpu / bareCpu, at_most: CPU_AT_MOST, unit: '' }),
              held({
                what: 'peak memory of the builder, of the vectors’ size',
                value: (built.peak.builder ?? Number.NaN) / (count * DIM * 4),
                at_most: MEMORY_AT_MOST,
                unit: '',
              }),
            ]),
      ],
      facts: {
        ...(bareCpu === undefined ? {} : { 'usearch alone': `${bareCpu.toFixed(1)} s of CPU` }),
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

/** The seconds of CPU that usearch needs for the same graph, with as many threads, and nothing else. */
function bareGraph(vectors: BareSearch): number {
  const graph = createGraph(DIM, FLOORED);
  const before = process.cpuUsage();
  for (let first = 0; first < vectors.count; first += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, vectors.count - first) }, (_, n) => first + n);
    const batch = new Float32Array(numbers.length * DIM);
    numbers.forEach((number, n) => void batch.set(vectors.vector(number), n * DIM));
    graph.add(BigUint64Array.from(numbers, BigInt), batch, availableParallelism());
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function build({ signal }: BenchContext, store: Store, { kind, cache }: { kind: Kind; cache: string }) {
  const builder = createProcessBuilder();
  const children = await childrenRunning(process.pid, 'search/child.ts');
  const memory = watchPeakMemory(async () => new Map(children.map((pid) => [pid, 'builder'])));
  try {
    const began = performance.now();
    const { bytes } = await buildIndex(store, builder, { set: SET, kind, cache, onStep: () => undefined, signal });
    const seconds = (performance.now() - began) / 1000;
    const cpu = await cpuSeconds(new Map(children.map((pid) => [pid, 'builder'])));
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
