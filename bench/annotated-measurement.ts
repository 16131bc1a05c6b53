import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectionsOf } from '../core/store/collections.ts';
import { prepareDatabase } from '../core/store/prepare.ts';
import { withStack } from './bench-stack.ts';
import { BOXES_AN_IMAGE, writeCoco } from './coco-file.ts';
import { type Measurement, scaled } from './context.ts';
import { cpuBetween } from './cpu-time.ts';
import { type Figure, hold, spreadOf, type Target } from './figure.ts';
import { imageFolder, type Weight } from './image-folders.ts';
import { timeLoad } from './timed-load.ts';

export interface Annotated {
  name: string;
  weight: Weight;
  count: number;
  byDefault: boolean;
  targets(figure: Omit<Figure, 'targets'>): Omit<Target, 'met'>[];
}

/** Measures a load with COCO's boxes in turns with the same load without. Both use an empty database. */
export function annotatedMeasurement({ name, weight, count: fullCount, byDefault, targets }: Annotated): Measurement {
  return {
    name,
    summary: `index ${fullCount.toLocaleString('en-US')} files with ${BOXES_AN_IMAGE} boxes each, beside a load without`,
    byDefault,
    async measure(context) {
      const count = scaled(context, fullCount);
      const source = await imageFolder(context, weight, count);
      const folder = await mkdtemp(join(tmpdir(), 'plimsoll-bench-coco-'));
      const path = join(folder, 'instances.json');
      try {
        await writeCoco(path, source);
        const { size } = await stat(path);
        return await withStack(context, ['indexing'], async ({ client, memory, cpuSeconds }) => {
          const load = async (annotations: 'none' | { paths: string[] }) => {
            await collectionsOf(client.store).samples.db.dropDatabase();
            await prepareDatabase(client.store);
            return timeLoad(client, { dataset: 'bench', source, embed: false, annotations }, count);
          };
          const without: number[] = [];
          const seconds: number[] = [];
          let again = 0;
          let cpu: Record<string, number> = {};
          await load('none');
          for (let run = 0; run < context.runs; run++) {
            without.push((await load('none')).indexedSeconds);
            const before = await cpuSeconds();
            const { indexedSeconds, record } = await load({ paths: [path] });
            cpu = cpuBetween(before, await cpuSeconds());
            seconds.push(indexedSeconds);
            const { matched, objects } = record.annotations ?? {};
            if (matched !== count || objects !== count * BOXES_AN_IMAGE)
              throw new Error(`${matched} samples and ${objects} objects, not ${count} and ${count * BOXES_AN_IMAGE}`);
            const request = { dataset: 'bench', source, embed: false, annotations: { paths: [path] } };
            again = (await timeLoad(client, request, count)).indexedSeconds;
            context.report(`${name}: ${indexedSeconds.toFixed(2)} s, without ${without.at(-1)?.toFixed(2)} s`);
          }
          const spread = spreadOf(seconds);
          const floor = spreadOf(without);
          const figure: Omit<Figure, 'targets'> = {
            measurement: name,
            what: `index ${count.toLocaleString('en-US')} files with ${(count * BOXES_AN_IMAGE).toLocaleString('en-US')} boxes, start call to phase 1 completed`,
            unit: 's',
            count,
            ...spread,
            floor: { what: 'the same load without annotations', ...floor },
            ratio: spread.value / floor.value,
            facts: {
              'annotations file': `${(size / 1e6).toFixed(0)} MB`,
              'the load again, unchanged': `${again.toFixed(2)} s`,
            },
            bound_by: 'the CPU: JSON and BSON in the worker, updates of samples in mongod',
            peak_memory_bytes: await memory.end(),
            cpu_seconds: cpu,
            histories: [],
          };
          return [{ ...figure, targets: targets(figure).map((target) => hold(target, context.scale)) }];
        });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
