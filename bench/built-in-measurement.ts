import { availableParallelism } from 'node:os';
import { BUILT_IN_MODEL } from '../contract/built-in-model.ts';
import { embedWorkflowId } from '../contract/names.ts';
import { imagesMedium } from '../core/media/images/medium.ts';
import { readPreprocessing } from '../core/media/images/preprocessing.ts';
import { findModel } from '../core/models/find-model.ts';
import type { PhaseDocument } from '../core/store/documents.ts';
import type { BareDecodingOrder } from './bare-decoding.ts';
import { startBareProcess } from './bare-process.ts';
import { withStack } from './bench-stack.ts';
import { type Measurement, scaled } from './context.ts';
import { type History, spreadOf } from './figure.ts';
import { findHistory, readHistory } from './histories.ts';
import { imageFolder } from './image-folders.ts';
import { timeLoad } from './timed-load.ts';

const COUNT = 2000;

/** Measures both phases through the whole stack with the built-in model, against decoding alone. */
export const builtInMeasurement: Measurement = {
  name: 'built-in',
  summary: `load and embed ${COUNT.toLocaleString('en-US')} photographs with the built-in model, beside bare decoding`,
  byDefault: true,
  async measure(context) {
    const count = scaled(context, COUNT);
    const source = await imageFolder(context, 'photograph', count);
    const { files } = await findModel(BUILT_IN_MODEL, imagesMedium().models);
    const [preprocessorFile] = files as [string];
    const { resize } = (await readPreprocessing(preprocessorFile)).geometry;
    const order: BareDecodingOrder = { folder: source, count, ...resize };
    return withStack(context, ['indexing', 'embedding'], async ({ client, memory }) => {
      const threads = { ...context.env, UV_THREADPOOL_SIZE: String(availableParallelism()) };
      const floor = startBareProcess<BareDecodingOrder>('./bare-decoding.ts', [], threads);
      const endToEnd: number[] = [];
      const phase: number[] = [];
      const floorRates: number[] = [];
      let histories: (History | undefined)[] = [];
      try {
        for (let run = 0; run < context.runs; run++) {
          floorRates.push(count / (await floor.run(order)));
          const dataset = `built-in-${run}`;
          const { completedSeconds, record, job } = await timeLoad(client, { dataset, source }, count);
          endToEnd.push(count / completedSeconds);
          phase.push(count / secondsOf(record.phases.embedding));
          const embedding = embedWorkflowId(dataset, BUILT_IN_MODEL);
          histories = await Promise.all([
            readHistory(client.temporal, job.workflow_id, job.job_id),
            findHistory(client.temporal, embedding),
            findHistory(client.temporal, `${embedding}/0`),
          ]);
          context.report(
            `built-in: ${endToEnd.at(-1)?.toFixed(0)} images/s end to end, ${phase.at(-1)?.toFixed(0)} in phase 2, ` +
              `floor ${floorRates.at(-1)?.toFixed(0)}`,
          );
        }
      } finally {
        floor.end();
      }
      const floorSpread = spreadOf(floorRates);
      const shared = {
        measurement: 'built-in',
        unit: 'images/s' as const,
        count,
        floor: { what: 'sharp decode + resize in one process', ...floorSpread },
        targets: [],
        peak_memory_bytes: await memory.end(),
        cpu_seconds: {},
        histories: histories.filter((history) => history !== undefined),
      };
      const whole = spreadOf(endToEnd);
      const second = spreadOf(phase);
      return [
        {
          ...shared,
          what: `load and embed ${count.toLocaleString('en-US')} photographs, start call to completed`,
          ...whole,
          ratio: whole.value / floorSpread.value,
          bound_by: 'decoding; then the start of the model, phase 1, and the round trips between the workflows',
        },
        {
          ...shared,
          what: `phase 2 of these alone, by the load's record`,
          ...second,
          ratio: second.value / floorSpread.value,
          bound_by: 'decoding',
        },
      ];
    });
  },
};

function secondsOf({ started_at, finished_at }: PhaseDocument): number {
  if (started_at === undefined || finished_at === undefined) throw new Error('the phase has no start or no end');
  return (finished_at.getTime() - started_at.getTime()) / 1000;
}
