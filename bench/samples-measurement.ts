import { Long, ObjectId } from 'mongodb';
import { collectionsOf } from '../core/store/collections.ts';
import type { SampleDocument } from '../core/store/documents.ts';
import { prepareDatabase } from '../core/store/prepare.ts';
import type { Store } from '../core/store/store.ts';
import { withStack } from './bench-stack.ts';
import { type Measurement, scaled } from './context.ts';
import { type Figure, hold, spreadOf } from './figure.ts';

const COUNT = 1_000_000;
const PAGE = 100;
const REQUESTS = 500;
const WARM_UP = 50;
/** The ratio to the driver alone, in the same run. */
const RATIO_AT_MOST = 8;
const DATASET = 'bench';
const SOURCE = '/bench/photos';

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
        await fill(store, count);
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

const BATCH = 10_000;

async function fill(store: Store, count: number): Promise<void> {
  await prepareDatabase(store);
  const now = new Date();
  await collectionsOf(store).datasets.insertOne({
    _id: DATASET,
    media_type: 'image',
    sources: [SOURCE],
    next_seq: count,
    counts: { total: count, indexed: count, failed: 0, missing: 0 },
    phases: {},
    models: [],
    latest_job: 'bench',
    created_at: now,
    last_modified_at: now,
  });
  for (let first = 0; first < count; first += BATCH) {
    const size = Math.min(BATCH, count - first);
    await collectionsOf(store).samples.insertMany(
      Array.from({ length: size }, (_, i) => sample(first + i, now)),
      {
        ordered: false,
        writeConcern: { w: 1 },
      },
    );
  }
}

function sample(seq: number, now: Date): SampleDocument {
  const png = seq % 50 === 3;
  const size_bytes = 50_000 + ((seq * 7919) % 200_000);
  const failed = seq % 1000 === 11;
  return {
    _id: new ObjectId(),
    dataset_id: DATASET,
    seq,
    filepath: `${SOURCE}/f${String(Math.floor(seq / 1000)).padStart(4, '0')}/photo-${String(seq).padStart(7, '0')}.${png ? 'png' : 'jpg'}`,
    part: 0,
    source: { size_bytes, mtime_ns: Long.fromNumber(1_700_000_000_000 + seq), fingerprint: `${size_bytes}-${seq}` },
    metadata: {
      size_bytes,
      mime_type: png ? 'image/png' : 'image/jpeg',
      format: png ? 'png' : 'jpeg',
      width: 200 + ((seq * 31) % 1600),
      height: 200 + ((seq * 17) % 1600),
      num_channels: 3,
      orientation: 1,
    },
    tags: seq % 100 === 5 ? ['keep'] : [],
    status: failed ? 'failed' : 'indexed',
    ...(failed ? { error: { code: 'decode_failed', message: 'torn', stage: 'embedding' as const, at: now } } : {}),
    job_id: 'bench',
    created_at: now,
    last_modified_at: now,
  };
}
