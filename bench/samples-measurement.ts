import { collectionsOf } from '../core/store/collections.ts';
import type { Store } from '../core/store/store.ts';
import { withStack } from './bench-stack.ts';
import { type Measurement, scaled } from './context.ts';
import { type Figure, hold, spreadOf } from './figure.ts';
import { DATASET, fillSamples, SOURCE } from './fill-samples.ts';

const COUNT = 1_000_000;
const PAGE = 100;
const REQUESTS = 500;
const WARM_UP = 50;
/** The ratio to the driver alone, in the same run. */
const RATIO_AT_MOST = 8;

interface Query {
  what: string;
  filter: string;
}

const QUERIES: readonly Query[] = [
  { what: 'any', filter: '' },
  { what: 'status: 1 of 1,000', filter: 'status=failed' },
  { what: 'tag: 1 of 100', filter: 'tag=keep' },
  { what: 'format: 1 of 50', filter: 'format=png' },
  { what: 'width: 1 of 2', filter: 'min_width=1000' },
  { what: 'tag and width', filter: 'tag=keep&min_width=1000' },
  { what: 'a folder of 1,000', filter: 'path_prefix=photos/f0421/' },
  { what: 'text: 1 of 10', filter: 'q=7.jpg' },
  { what: 'nothing fits', filter: 'min_width=99999' },
];

/** Measures pages of a large dataset as clients request them: over HTTP, one after the other, anywhere in it. */
export const samplesMeasurement: Measurement = {
  name: 'samples',
  summary: `pages of ${PAGE} samples out of ${COUNT.toLocaleString('en-US')}, over HTTP`,
  byDefault: false,
  measure: (context) =>
    withStack(
      context,
      [],
      async ({ client: { store }, memory, apiUrl }) => {
        const count = scaled(context, COUNT);
        context.report(`samples: writing ${count.toLocaleString('en-US')} samples`);
        await fillSamples(store, count);
        const figures: Omit<Figure, 'peak_memory_bytes'>[] = [];
        const floorRuns: number[] = [];
        for (const query of QUERIES) {
          const url = `${apiUrl}/api/datasets/${DATASET}/samples?limit=${PAGE}&${query.filter}&after=`;
          const bare = (after: number) => readBare(store, after);
          const runs: number[] = [];
          for (let run = 0; run < context.runs; run += 1) {
            if (query.filter === '') floorRuns.push(await p99(bare, count));
            runs.push(await p99((after) => readPage(`${url}${after}`), count));
          }
          const spread = spreadOf(runs);
          const floor = { what: 'the driver alone, pages without a filter', ...spreadOf(floorRuns) };
          const ratio = spread.value / floor.value;
          context.report(`samples: ${query.what}, p99 ${spread.value.toFixed(1)} ms`);
          figures.push({
            measurement: 'samples',
            what: `a page of ${PAGE} of ${count.toLocaleString('en-US')} samples, p99 of ${REQUESTS}: ${query.what}`,
            unit: 'ms',
            count,
            ...spread,
            floor,
            ratio,
            targets: [
              hold({ what: 'ratio to the floor', value: ratio, at_most: RATIO_AT_MOST, unit: '' }, context.scale),
            ],
            bound_by: 'reading documents (5,000 at most where no index tells), and writing 100 as JSON',
            cpu_seconds: {},
            histories: [],
          });
        }
        const peak_memory_bytes = await memory.end();
        return figures.map((figure) => ({ ...figure, peak_memory_bytes }));
      },
      { sourceRoots: [SOURCE] },
    ),
};

async function p99(read: (after: number) => Promise<void>, count: number): Promise<number> {
  // Use the same places in each run, spread over the dataset.
  const place = (n: number) => Math.floor(((n * 0.618_033_988_75) % 1) * count * 0.9);
  for (let n = 0; n < WARM_UP; n += 1) await read(place(n + 7000));
  const tookMs: number[] = [];
  for (let n = 0; n < REQUESTS; n += 1) {
    const beganMs = performance.now();
    await read(place(n));
    tookMs.push(performance.now() - beganMs);
  }
  return tookMs.sort((a, b) => a - b)[Math.ceil(REQUESTS * 0.99) - 1] as number;
}

async function readPage(url: string): Promise<void> {
  const answer = await fetch(url);
  const page = (await answer.json()) as { samples?: unknown[] };
  if (page.samples === undefined) throw new Error(`${url}: ${JSON.stringify(page)}`);
}

async function readBare(store: Store, after: number): Promise<void> {
  await collectionsOf(store)
    .samples.find({ dataset_id: DATASET, seq: { $gt: after } })
    .sort({ seq: 1 })
    .limit(PAGE)
    .toArray();
}
