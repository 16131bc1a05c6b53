import { type Measurement, scaled } from './context.ts';
import { benchEmbedding } from './embedding.ts';
import { hold, spreadOf } from './figure.ts';
import { imageFolder } from './image-folders.ts';
import { childrenRunning, watchPeakMemory } from './peak-memory.ts';
import { makeVitModel } from './vit.ts';

const FOLDER_COUNT = 2000;
/** With fewer images, the start, in which nothing is decoded ahead, has a larger share than in a load. */
const COUNT = 768;
const BATCH_SIZE = 32;
const AT_LEAST = 0.9;

/** Measures files to vectors with a model of ViT-B/32's size against raw ONNX Runtime, without Temporal and store. */
export const vitMeasurement: Measurement = {
  name: 'vit',
  summary: 'embed with a ViT-B/32 on the CPU, beside raw ONNX Runtime',
  byDefault: true,
  async measure(context) {
    const imagesDir = await imageFolder(context, 'photograph', scaled(context, FOLDER_COUNT));
    const modelDir = await makeVitModel(context.modelsDir);
    const count = Math.min(COUNT, scaled(context, FOLDER_COUNT));
    const memory = watchPeakMemory(async () => {
      const embedders = await childrenRunning(process.pid, 'inference/child.ts');
      const raw = await childrenRunning(process.pid, 'raw-inference.ts');
      return new Map([
        ...embedders.map((pid) => [pid, 'inference'] as const),
        ...raw.map((pid) => [pid, 'floor'] as const),
      ]);
    });
    const bench = { imagesDir, modelDir, count, batchSize: BATCH_SIZE, rounds: context.runs };
    const { rounds, ratio } = await benchEmbedding(bench).finally(() => memory.end());
    context.report(`vit: ${rounds.map((round) => round.embedderPerSecond.toFixed(1)).join(', ')} images/s`);
    return [
      {
        measurement: 'vit',
        what: `embed ${count} photographs with a ViT-B/32, batches of ${BATCH_SIZE}`,
        unit: 'images/s',
        count,
        ...spreadOf(rounds.map((round) => round.embedderPerSecond)),
        floor: {
          what: 'raw ONNX Runtime, same batch and threads, nothing to decode',
          ...spreadOf(rounds.map((round) => round.rawPerSecond)),
        },
        ratio,
        targets: [hold({ what: 'share of raw', value: ratio, at_least: AT_LEAST, unit: '' }, context.scale)],
        bound_by: "the model's arithmetic; decoding takes the rest of the same cores",
        peak_memory_bytes: await memory.end(),
        cpu_seconds: {},
        histories: [],
      },
    ];
  },
};
