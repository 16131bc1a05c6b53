import { type BenchStack, withStack } from './bench-stack.ts';
import { type BenchContext, type Measurement, scaled } from './context.ts';
import { cpuBetween } from './cpu-time.ts';
import { type Figure, hold, spreadOf } from './figure.ts';
import { DATASET, SOURCE } from './fill-samples.ts';
import { imageFolder } from './image-folders.ts';
import { DIM, fillSearchedDataset, percentile, QUERIES, type Truth, times, WANTED } from './searched-dataset.ts';
import { timeLoad } from './timed-load.ts';

const WARM_UP = 10;
/** The recall of ten hits that a graph of neighbours should reach. */
const RECALL_AT_LEAST = 0.95;
/** Files that are indexed while somebody searches. */
const LOADED = 10_000;
/** A search that goes on does not make indexing take longer than this. */
const SLOWER_AT_MOST = 2;

export interface SearchOptions {
  name: string;
  count: number;
  runs?: number;
}

/** Measures searches by vectors over HTTP, one after the other, beside a bare scan of the same vectors. */
export function searchMeasurement({ name, count: fullCount, ...options }: SearchOptions): Measurement {
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
        (stack) => measureSearches({ ...context, runs: options.runs ?? context.runs }, stack, { name, count, files }),
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
  { name, count, files }: { name: string; count: number; files: string },
): Promise<Figure[]> {
  const { client, apiUrl, memory } = stack;
  const of = `of ${count.toLocaleString('en-US')}`;
  context.report(`${name}: writing ${count.toLocaleString('en-US')} vectors`);
  const { truths, scansMs } = await fillSearchedDataset(client.store, count);
  const trips = await times(QUERIES, async () => void (await (await fetch(`${apiUrl}/health`)).text()));
  const figures: Unfinished[] = [];

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
    cpu_seconds: firstCpu,
    bound_by: 'reading vectors, from an index or from MongoDB',
  });

  const kinds = [
    { what: 'all', filter: {}, expected: (truth: Truth) => truth.nearest },
    { what: 'with a tag that 1 of 100 has', filter: { tag: 'keep' }, expected: (truth: Truth) => truth.tagged },
  ];
  for (const { what, filter, expected } of kinds) {
    const p50: number[] = [];
    const p99: number[] = [];
    let right = 0;
    let cpu: Record<string, number> = {};
    for (let run = 0; run < context.runs; run += 1) {
      const queries = truths.values();
      for (let n = 0; n < WARM_UP; n += 1) await searchOverHttp(apiUrl, (truths[n] as Truth).query, filter);
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
      targets: [hold({ what: `recall@${WANTED}`, value: recall, at_least: RECALL_AT_LEAST, unit: '' }, context.scale)],
      facts: {
        p99: `${spreadOf(p99).value.toFixed(1)} ms`,
        'the floor': `scan ${percentile(scansMs, 0.5).toFixed(1)} ms, round trip ${percentile(trips, 0.5).toFixed(2)} ms`,
      },
      cpu_seconds: cpu,
      bound_by: 'the scan, and reading candidates and their samples from MongoDB',
    });
  }
  figures.push(await measureIndexingMeanwhile(context, stack, { truths, files, of }));

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

/** Indexes files alone and while a client searches without a break, in turns. */
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
  for (let run = 0; run < context.runs; run += 1) {
    aloneSeconds.push((await load(`alone-${run}`)).indexedSeconds);
    let over = false;
    const search = async () => {
      for (; !over; searches += 1) await searchOverHttp(apiUrl, (truths[searches % truths.length] as Truth).query, {});
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
    what: `index ${loaded.toLocaleString('en-US')} files while a client searches ${of} without a break`,
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
