import { setTimeout as delay } from 'node:timers/promises';
import { cacheFolder } from '../core/cache-folder.ts';
import { buildIndex } from '../core/search/build-index.ts';
import { forgetCached } from '../core/search/publish-index.ts';
import type { Store } from '../core/store/store.ts';
import { createProcessBuilder } from '../search/process-builder.ts';
import { type BenchStack, withStack } from './bench-stack.ts';
import { type BenchContext, type Measurement, scaled } from './context.ts';
import { cpuBetween } from './cpu-time.ts';
import { type Figure, hold, spreadOf, type Target } from './figure.ts';
import { DATASET, SOURCE } from './fill-samples.ts';
import { MODEL_KEY } from './fill-vectors.ts';
import { imageFolder } from './image-folders.ts';
import { DIM, fillSearchedDataset, percentile, QUERIES, type Truth, times, WANTED } from './searched-dataset.ts';
import { timeLoad } from './timed-load.ts';

/** Until V8 has compiled the path of a search. */
const WARM_UP = 300;
/** Files that are indexed while somebody searches. */
const LOADED = 10_000;
/** Each load is short, so the median is of so many times the runs. */
const LOADS = 3;
/** Somebody searches this often meanwhile. */
const SEARCH_EVERY_MS = 500;
/** Longer than the last writes before an index that searches read again. */
const SETTLED_MS = 12_000;
/** Searches do not make indexing take longer than this. */
const SLOWER_AT_MOST = 1.05;

export interface SearchOptions {
  name: string;
  count: number;
  runs?: number;
  targets: SearchTargets;
}

/** The most that a search may take on two cores that do nothing else, in milliseconds, and its least recall. */
export interface SearchTargets {
  p50: number;
  p99: number;
  filteredP99: number;
  first: number;
  recall: number;
}

/** Measures searches by vectors over HTTP, one after the other, beside a bare scan of the same vectors. */
export function searchMeasurement({ name, count: fullCount, targets, ...options }: SearchOptions): Measurement {
  return {
    name,
    summary: `the ${WANTED} nearest of ${fullCount.toLocaleString('en-US')} vectors of ${DIM} elements, over HTTP`,
    byDefault: false,
    async measure(context) {
      const count = scaled(context, fullCount);
      const files = await imageFolder(context, 'small', scaled(context, LOADED));
      return withStack(
        context,
        ['indexing'],
        (stack) =>
          measureSearches({ ...context, runs: options.runs ?? context.runs }, stack, { name, count, files, targets }),
        { sourceRoots: [SOURCE] },
      );
    },
  };
}

type Unfinished = Pick<Figure, 'what' | 'unit' | 'value' | 'min' | 'max' | 'runs' | 'bound_by'> &
  Partial<Pick<Figure, 'floor' | 'ratio' | 'targets' | 'facts' | 'cpu_seconds'>>;

async function measureSearches(
  context: BenchContext,
  stack: BenchStack,
  { name, count, files, targets }: { name: string; count: number; files: string; targets: SearchTargets },
): Promise<Figure[]> {
  const { client, apiUrl, memory } = stack;
  const of = `of ${count.toLocaleString('en-US')}`;
  context.report(`${name}: writing ${count.toLocaleString('en-US')} vectors`);
  const { truths, scansMs } = await fillSearchedDataset(client.store, count);
  const trips = await times(QUERIES, async () => void (await (await fetch(`${apiUrl}/health`)).text()));
  const figures: Unfinished[] = [];
  const held = (target: Omit<Target, 'met'>) => hold(target, context.scale);

  // A search reads what was written in the ten seconds before its index again. No load writes all vectors in these.
  await delay(SETTLED_MS, undefined, { signal: context.signal });
  context.report(`${name}: building the index`);
  // It lies in the cache of this machine, as after a build by its own worker.
  const { kind: indexKind, id } = await buildWith(client.store, cacheFolder(context.env), context.signal);

  const firstMs = [];
  let firstCpu: Record<string, number> = {};
  for (let run = 0; run < context.runs; run += 1) {
    await stack.restartApi();
    const before = await stack.cpuSeconds();
    const began = performance.now();
    await searchOverHttp(apiUrl, truths[0]?.query as Float32Array, {});
    firstMs.push(performance.now() - began);
    firstCpu = cpuBetween(before, await stack.cpuSeconds());
  }
  figures.push({
    what: `the first search after the API has started, ${of}`,
    unit: 'ms',
    ...spreadOf(firstMs),
    targets: [held({ what: 'time', value: spreadOf(firstMs).value, at_most: targets.first, unit: 'ms' })],
    facts: { index: indexKind },
    cpu_seconds: firstCpu,
    bound_by: 'starting the search process, and reading the index',
  });

  const kinds = [
    { what: 'all', filter: {}, expected: (truth: Truth) => truth.nearest, p50: targets.p50, p99: targets.p99 },
    {
      what: 'with a tag that 1 of 100 has',
      filter: { tag: 'keep' },
      expected: (truth: Truth) => truth.tagged,
      p50: targets.filteredP99,
      p99: targets.filteredP99,
    },
  ];
  for (const { what, filter, expected, ...most } of kinds) {
    const p50: number[] = [];
    const p99: number[] = [];
    let right = 0;
    let cpu: Record<string, number> = {};
    for (let run = 0; run < context.runs; run += 1) {
      const queries = truths.values();
      for (let n = 0; n < WARM_UP; n += 1)
        await searchOverHttp(apiUrl, (truths[n % truths.length] as Truth).query, filter);
      const before = await stack.cpuSeconds();
      const took = await times(truths.length, async () => {
        const truth = queries.next().value as Truth;
        const found = await searchOverHttp(apiUrl, truth.query, filter);
        right += found.filter((seq) => expected(truth).includes(seq)).length;
      });
      cpu = cpuBetween(before, await stack.cpuSeconds());
      p50.push(percentile(took, 0.5));
      p99.push(percentile(took, 0.99));
    }
    const spread = spreadOf(p50);
    const floorRuns = [percentile(scansMs, 0.5) + percentile(trips, 0.5)];
    const floor = { what: 'a float32 scan by usearch, and a bare HTTP round trip', ...spreadOf(floorRuns) };
    const recall = right / (context.runs * truths.reduce((sum, truth) => sum + expected(truth).length, 0));
    context.report(`${name}: ${what}, p50 ${spread.value.toFixed(1)} ms, recall ${recall.toFixed(4)}`);
    figures.push({
      what: `the ${WANTED} nearest ${of}, ${what}: p50 of ${QUERIES} searches`,
      unit: 'ms',
      ...spread,
      floor,
      ratio: spread.value / floor.value,
      targets: [
        held({ what: `recall@${WANTED}`, value: recall, at_least: what === 'all' ? targets.recall : 1, unit: '' }),
        held({ what: 'p50', value: spread.value, at_most: most.p50, unit: 'ms' }),
        held({ what: 'p99', value: spreadOf(p99).value, at_most: most.p99, unit: 'ms' }),
      ],
      facts: {
        'the floor': `scan ${percentile(scansMs, 0.5).toFixed(1)} ms, round trip ${percentile(trips, 0.5).toFixed(2)} ms`,
      },
      cpu_seconds: cpu,
      bound_by: 'the scan, and reading candidates and their samples from MongoDB',
    });
  }
  figures.push(await measureIndexingMeanwhile(context, stack, { truths, files, of }));

  await forgetCached(cacheFolder(context.env), id);
  const peak_memory_bytes = await memory.end();
  return figures.map((figure) => ({
    measurement: name,
    count,
    floor: null,
    ratio: null,
    targets: [],
    cpu_seconds: {},
    histories: [],
    ...figure,
    peak_memory_bytes,
  }));
}

/** Builds and publishes the index that a load of so many vectors would. */
async function buildWith(store: Store, cache: string, signal: AbortSignal) {
  const builder = createProcessBuilder();
  try {
    const set = { datasetId: DATASET, modelKey: MODEL_KEY, dim: DIM };
    return await buildIndex(store, builder, { set, cache, onStep: () => undefined, signal });
  } finally {
    await builder.close();
  }
}

/** Indexes files alone and while a client searches twice a second, in turns. */
async function measureIndexingMeanwhile(
  context: BenchContext,
  { client, apiUrl }: BenchStack,
  { truths, files, of }: { truths: Truth[]; files: string; of: string },
): Promise<Unfinished> {
  const loaded = scaled(context, LOADED);
  const seconds: number[] = [];
  const aloneSeconds: number[] = [];
  let searches = 0;
  const load = (dataset: string) => timeLoad(client, { dataset, source: files, embed: false }, loaded);
  await load('warm');
  for (let run = 0; run < context.runs * LOADS; run += 1) {
    aloneSeconds.push((await load(`alone-${run}`)).indexedSeconds);
    let over = false;
    const search = async () => {
      for (; !over; searches += 1) {
        await searchOverHttp(apiUrl, (truths[searches % truths.length] as Truth).query, {});
        await delay(SEARCH_EVERY_MS);
      }
    };
    const loading = load(`searched-${run}`).finally(() => {
      over = true;
    });
    const [{ indexedSeconds }] = await Promise.all([loading, search()]);
    seconds.push(indexedSeconds);
  }
  const spread = spreadOf(seconds);
  const floor = { what: 'the same while nobody searches', ...spreadOf(aloneSeconds) };
  const ratio = spread.value / floor.value;
  return {
    what: `index ${loaded.toLocaleString('en-US')} files while a client searches ${of} twice a second`,
    unit: 's',
    ...spread,
    floor,
    ratio,
    targets: [hold({ what: 'ratio to the floor', value: ratio, at_most: SLOWER_AT_MOST, unit: '' }, context.scale)],
    facts: { searches: `${searches} meanwhile` },
    bound_by: 'the CPU, which both use',
  };
}

/** The seqs of the hits. */
async function searchOverHttp(apiUrl: string | undefined, query: Float32Array, filter: object): Promise<number[]> {
  const answer = await fetch(`${apiUrl}/api/datasets/${DATASET}/search`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ vector: [...query], limit: WANTED, filter }),
  });
  const { hits, ...problem } = (await answer.json()) as { hits?: { seq: number }[] };
  if (hits === undefined) throw new Error(`the search was answered with ${JSON.stringify(problem)}`);
  return hits.map(({ seq }) => seq);
}
