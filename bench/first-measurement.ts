import { withStack } from './bench-stack.ts';
import { type BenchContext, type Measurement, scaled } from './context.ts';
import { type Figure, type History, hold, spreadOf } from './figure.ts';
import { readHistory } from './histories.ts';
import { imageFolder, type Weight } from './image-folders.ts';
import { timeFirstSample } from './timed-load.ts';

/** The ratio to a folder of FLOOR_FILES in the same run: the first sample must not wait for the others. */
const RATIO_AT_MOST = 2;
const FLOOR_FILES = 64;

/** Measures the time until the first samples can be read. */
export const firstMeasurement: Measurement = {
  name: 'first',
  summary: 'the start call to the first sample readable, of 10,000 and of 100,000 files',
  byDefault: true,
  async measure(context) {
    return [await measureFirst(context, 'photograph', 10_000), await measureFirst(context, 'small', 100_000)];
  },
};

async function measureFirst(context: BenchContext, weight: Weight, fullCount: number): Promise<Figure> {
  const count = scaled(context, fullCount);
  const source = await imageFolder(context, weight, count);
  const few = await imageFolder(context, weight, FLOOR_FILES);
  return withStack(context, ['indexing'], async ({ client, memory }) => {
    const seconds: number[] = [];
    const floorSeconds: number[] = [];
    let history: History | undefined;
    for (let run = 0; run < context.runs; run++) {
      const ofFew = { dataset: `few-${run}`, source: few, embed: false };
      floorSeconds.push((await timeFirstSample(client, ofFew, FLOOR_FILES)).seconds);
      const { seconds: first, job } = await timeFirstSample(
        client,
        { dataset: `first-${run}`, source, embed: false },
        count,
      );
      seconds.push(first);
      history = await readHistory(client.temporal, job.workflow_id, job.job_id);
      context.report(`first of ${count}: ${first.toFixed(2)} s`);
    }
    const spread = spreadOf(seconds);
    const floor = { what: `the first sample of ${FLOOR_FILES} files`, ...spreadOf(floorSeconds) };
    const ratio = spread.value / floor.value;
    return {
      measurement: 'first',
      what: `first sample of ${count.toLocaleString('en-US')} readable`,
      unit: 's',
      count,
      ...spread,
      floor,
      ratio,
      targets: [hold({ what: 'ratio to the floor', value: ratio, at_most: RATIO_AT_MOST, unit: '' }, context.scale)],
      bound_by: "Temporal's round trips: a workflow started, then three activities, one after the other",
      peak_memory_bytes: await memory.end(),
      cpu_seconds: {},
      histories: history ? [history] : [],
    };
  });
}
