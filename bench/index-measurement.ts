import { collectionsOf } from '../core/store/collections.ts';
import { prepareDatabase } from '../core/store/prepare.ts';
import type { BareIndexingOrder } from './bare-indexing.ts';
import { startBareProcess } from './bare-process.ts';
import { withStack } from './bench-stack.ts';
import { type Measurement, scaled } from './context.ts';
import { cpuBetween } from './cpu-time.ts';
import { type Figure, type History, hold, spreadOf, type Target } from './figure.ts';
import { readHistory } from './histories.ts';
import { imageFolder, type Weight } from './image-folders.ts';
import { timeLoad } from './timed-load.ts';

export interface Indexing {
  name: string;
  weight: Weight;
  count: number;
  byDefault: boolean;
  /** Set if a run takes minutes; default `--runs`. */
  runs?: number;
  targets(figure: Omit<Figure, 'targets'>): Omit<Target, 'met'>[];
}

/** Measures indexing a new folder in turns with its floor. Both use an empty database and are warm from run two on. */
export function indexMeasurement(indexing: Indexing): Measurement {
  const { name, weight, count: fullCount, byDefault } = indexing;
  return {
    name,
    summary: `index ${fullCount.toLocaleString('en-US')} new files, beside a bare loop`,
    byDefault,
    async measure(context) {
      const count = scaled(context, fullCount);
      const source = await imageFolder(context, weight, count);
      return withStack(context, ['indexing'], async ({ client, mongodbUri, memory, cpuSeconds }) => {
        const floor = startBareProcess<BareIndexingOrder>('./bare-indexing.ts', [mongodbUri]);
        const floorSeconds: number[] = [];
        const seconds: number[] = [];
        let history: History | undefined;
        let cpu: Record<string, number> = {};
        try {
          await floor.run({ type: 'warm', folder: source, count });
          for (let run = 0; run < (indexing.runs ?? context.runs); run++) {
            floorSeconds.push(await floor.run({ type: 'index', folder: source, count }));
            await collectionsOf(client.store).samples.db.dropDatabase();
            await prepareDatabase(client.store);
            const before = await cpuSeconds();
            const load = await timeLoad(client, { dataset: 'bench', source, embed: false }, count);
            cpu = cpuBetween(before, await cpuSeconds());
            seconds.push(load.indexedSeconds);
            history = await readHistory(client.temporal, load.job.workflow_id, load.job.job_id);
            context.report(`${name}: ${load.indexedSeconds.toFixed(2)} s, floor ${floorSeconds.at(-1)?.toFixed(2)} s`);
          }
        } finally {
          floor.end();
        }
        const spread = spreadOf(seconds);
        const floorSpread = spreadOf(floorSeconds);
        const figure: Omit<Figure, 'targets'> = {
          measurement: name,
          what: `index ${count.toLocaleString('en-US')} files, start call to phase 1 completed`,
          unit: 's',
          count,
          ...spread,
          floor: { what: 'walk + header + insertMany in one process', ...floorSpread },
          ratio: spread.value / floorSpread.value,
          bound_by:
            'the CPU: BSON and inserts in mongod, listing and document building in the worker, Temporal round trips',
          peak_memory_bytes: await memory.end(),
          cpu_seconds: cpu,
          histories: history ? [history] : [],
        };
        return [{ ...figure, targets: indexing.targets(figure).map((target) => hold(target, context.scale)) }];
      });
    },
  };
}
