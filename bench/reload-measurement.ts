import type { BareIndexingOrder } from './bare-indexing.ts';
import { startBareProcess } from './bare-process.ts';
import { withStack } from './bench-stack.ts';
import { type Measurement, scaled } from './context.ts';
import { cpuBetween } from './cpu-time.ts';
import { type History, hold, spreadOf } from './figure.ts';
import { readHistory } from './histories.ts';
import { imageFolder } from './image-folders.ts';
import { timeLoad } from './timed-load.ts';

const COUNT = 100_000;
/** The ratio to the floor of the same run. */
const RATIO_AT_MOST = 2.2;

/** Measures loading an unchanged folder again, against a bare loop that finds out the same. */
export const reloadMeasurement: Measurement = {
  name: 'reload',
  summary: `load ${COUNT.toLocaleString('en-US')} unchanged files again`,
  byDefault: true,
  async measure(context) {
    const count = scaled(context, COUNT);
    const source = await imageFolder(context, 'small', count);
    return withStack(context, ['indexing'], async ({ client, mongodbUri, memory, cpuSeconds }) => {
      const floor = startBareProcess<BareIndexingOrder>('./bare-indexing.ts', [mongodbUri]);
      const request = { dataset: 'bench', source, embed: false };
      const seconds: number[] = [];
      const floorSeconds: number[] = [];
      let history: History | undefined;
      let cpu: Record<string, number> = {};
      try {
        await timeLoad(client, request, count);
        for (let run = 0; run < context.runs; run++) {
          floorSeconds.push(await floor.run({ type: 'compare', folder: source, count, dataset: request.dataset }));
          const before = await cpuSeconds();
          const load = await timeLoad(client, request, count);
          cpu = cpuBetween(before, await cpuSeconds());
          const unchanged = load.record.phases.indexing.outcomes?.unchanged;
          if (unchanged !== count) throw new Error(`${unchanged} files were found unchanged, not ${count}`);
          seconds.push(load.indexedSeconds);
          history = await readHistory(client.temporal, load.job.workflow_id, load.job.job_id);
          context.report(`reload: ${load.indexedSeconds.toFixed(2)} s, floor ${floorSeconds.at(-1)?.toFixed(2)} s`);
        }
      } finally {
        floor.end();
      }
      const spread = spreadOf(seconds);
      const floorSpread = spreadOf(floorSeconds);
      const ratio = spread.value / floorSpread.value;
      return [
        {
          measurement: 'reload',
          what: `load ${count.toLocaleString('en-US')} unchanged files again`,
          unit: 's',
          count,
          ...spread,
          floor: { what: 'walk + query + compare in one process', ...floorSpread },
          ratio,
          targets: [
            hold({ what: 'ratio to the floor', value: ratio, at_most: RATIO_AT_MOST, unit: '' }, context.scale),
          ],
          bound_by: "the worker's one thread: a stat of each file, and reading what is stored",
          peak_memory_bytes: await memory.end(),
          cpu_seconds: cpu,
          histories: history ? [history] : [],
        },
      ];
    });
  },
};
