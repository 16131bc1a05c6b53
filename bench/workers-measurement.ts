import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type BenchStack, withStack } from './bench-stack.ts';
import { type BenchContext, type Measurement, scaled } from './context.ts';
import { type Figure, hold, spreadOf } from './figure.ts';
import { fillSamples } from './fill-samples.ts';

const COUNT = 50_000;
/** The rate of the stand-in for a device. Eight of them must leave this machine some of its processors. */
const PER_SECOND = 150;
const WORKERS = 8;
/** The rate of all workers, to as many times that of one. */
const RATIO_AT_LEAST = 0.9;
const TASK_QUEUE = 'plimsoll-gpu';
const WORKER = join(import.meta.dirname, '../test/support/stand-in-worker.ts');

/** Measures how much faster several embedding workers are than one, each a process with a stand-in for its device. */
export const workersMeasurement: Measurement = {
  name: 'workers',
  summary: `${WORKERS} embedding workers, each with a stand-in for a device, to one`,
  byDefault: false,
  measure: (context) =>
    withStack(context, ['indexing'], async (stack) => {
      const count = scaled(context, COUNT);
      const { store } = stack.client;
      // One worker's rate does not depend on how many samples there are, and a tenth of them takes it long enough.
      await fillSamples(store, Math.ceil(count / 10), 'one');
      await fillSamples(store, count, 'all');
      const one = await rateOf(context, stack, 'one', 1);
      const all = await rateOf(context, stack, 'all', WORKERS);
      const ratio = all / (WORKERS * one);
      const figure: Figure = {
        measurement: 'workers',
        what: `${WORKERS} workers of ${PER_SECOND} images/s embed ${count.toLocaleString('en-US')} samples`,
        unit: 'images/s',
        count,
        ...spreadOf([all]),
        floor: { what: `${WORKERS} times one worker`, ...spreadOf([WORKERS * one]) },
        ratio,
        targets: [
          hold({ what: 'ratio to the floor', value: ratio, at_least: RATIO_AT_LEAST, unit: '' }, context.scale),
        ],
        bound_by: 'the last chunks: workers that end first have none left',
        peak_memory_bytes: await stack.memory.end(),
        cpu_seconds: {},
        histories: [],
      };
      return [figure];
    }),
};

/** Samples per second of the embedding phase with this many workers. */
async function rateOf(
  context: BenchContext,
  { client, mongodbUri, temporalAddress }: BenchStack,
  dataset: string,
  workers: number,
): Promise<number> {
  const env = { ...context.env, MONGODB_URI: mongodbUri, TEMPORAL_ADDRESS: temporalAddress };
  const processes = Array.from({ length: workers }, () => fork(WORKER, [TASK_QUEUE, String(PER_SECOND)], { env }));
  try {
    await Promise.all(processes.map((process) => once(process, 'message')));
    const { job_id } = await client.startEmbedding({ dataset, model: 'stand-in' });
    const { phases, error } = await client.wait(job_id);
    const { done, started_at, finished_at } = phases.embedding;
    if (error !== null || started_at === null || finished_at === null) throw new Error(`${error?.message}`);
    const rate = done / ((Date.parse(finished_at) - Date.parse(started_at)) / 1000);
    context.report(`workers: ${workers} did ${rate.toFixed(0)} images/s`);
    return rate;
  } finally {
    await Promise.all(processes.map(end));
  }
}

async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  process.kill('SIGKILL');
  await once(process, 'exit');
}
