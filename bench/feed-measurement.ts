import { availableParallelism } from 'node:os';
import { imagesMedium } from '../core/media/images/medium.ts';
import { findModel } from '../core/models/find-model.ts';
import { devicesName, settingsFromEnvironment } from '../inference/settings.ts';
import { measureBareDecoders } from './bare-decoders.ts';
import { makeBlankModel } from './blank-model.ts';
import { type Measurement, scaled } from './context.ts';
import { BLANK_MEDIUM, type FeedFigure, measureBoth, measureDecoders, measureEncoder } from './feed.ts';
import { hold, spreadOf } from './figure.ts';
import { imageFolder } from './image-folders.ts';
import { imagesIn } from './images-in.ts';
import { makeVitModel } from './vit.ts';

const FOLDER_COUNT = 2000;
/** A ViT-B/32 takes 35 ms of a core for an image, and a GPU next to nothing. */
const COUNT_ON_CPU = 256;
const COUNT = 8192;
const TRANSPORT_FACTOR = 4;
/** Into its frame, and out of it. */
const COPIED_BYTES = 2 * 224 * 224 * 3;

/** Measures how the machine's device is fed: each part alone, and all of them together. */
export const feedMeasurement: Measurement = {
  name: 'feed',
  summary: 'decoders alone, the encoder alone, both together, and the transport alone, on PLIMSOLL_DEVICE',
  byDefault: true,
  async measure(context) {
    const settings = settingsFromEnvironment(context.env);
    const isCpu = settings.devices !== 'auto' && settings.devices.every(({ type }) => type === 'cpu');
    const count = scaled(context, isCpu ? COUNT_ON_CPU : COUNT);
    const many = scaled(context, COUNT_ON_CPU * 8);
    const folder = await imageFolder(context, 'photograph', scaled(context, FOLDER_COUNT));
    const [paths, manyPaths] = [await imagesIn(folder, count), await imagesIn(folder, many)];
    const modelDir = await makeVitModel(context.modelsDir);
    const blankDir = await makeBlankModel(context.modelsDir);
    const files = await findModel(modelDir, imagesMedium().models);
    const cpu = { ...settings, devices: [{ type: 'cpu' }], takesBytes: false } as const;

    const floor: number[] = [];
    const runs: Record<'decoders' | 'encoder' | 'both' | 'transport', FeedFigure[]> = {
      decoders: [],
      encoder: [],
      both: [],
      transport: [],
    };
    for (let run = 0; run < context.runs; run++) {
      floor.push(await measureBareDecoders(manyPaths, availableParallelism()));
      const { model, ...encoder } = await measureEncoder(files, count, settings);
      runs.encoder.push(encoder);
      runs.decoders.push(await measureDecoders(manyPaths, model, settings));
      runs.both.push(await measureBoth(paths, modelDir, settings));
      runs.transport.push(
        await measureBoth(await imagesIn(folder, many * TRANSPORT_FACTOR), blankDir, cpu, BLANK_MEDIUM),
      );
      const rates = Object.entries(runs).map(([part, all]) => `${part} ${all.at(-1)?.imagesPerSecond.toFixed(0)}`);
      context.report(`feed: ${rates.join(', ')} images/s`);
    }
    const rateOf = (part: keyof typeof runs) => spreadOf(runs[part].map(({ imagesPerSecond }) => imagesPerSecond));
    const [decoders, encoder, both, transport] = [
      rateOf('decoders'),
      rateOf('encoder'),
      rateOf('both'),
      rateOf('transport'),
    ];
    const bare = spreadOf(floor);
    // The parts of a CPU take turns on the same cores. A GPU works beside them.
    const possible = isCpu ? 1 / (1 / decoders.value + 1 / encoder.value) : Math.min(decoders.value, encoder.value);
    const figure = (part: keyof typeof runs, what: string, bound_by: string) => {
      const last = runs[part].at(-1) as FeedFigure;
      return {
        measurement: 'feed',
        what,
        unit: 'images/s' as const,
        count,
        ...rateOf(part),
        bound_by,
        facts: factsOf(last),
        peak_memory_bytes: last.peakBytes,
        cpu_seconds: {},
        histories: [],
      };
    };
    const device = devicesName(settings.devices);
    return [
      {
        ...figure('decoders', `decoders alone: ${settings.decoders} processes, ${settings.threads} threads`, 'libvips'),
        floor: { what: `sharp alone: ${availableParallelism()} processes of a thread`, ...bare },
        ratio: decoders.value / bare.value,
        targets: [],
      },
      {
        ...figure('encoder', `the encoder alone on frames, ViT-B/32 on ${device}`, 'the device'),
        floor: null,
        ratio: null,
        targets: [],
      },
      {
        ...figure('both', `both together on ${device}`, isCpu ? 'the same cores' : 'decoding'),
        floor: {
          what: isCpu ? 'both, one after the other on all cores' : 'the slower of the two alone',
          value: possible,
          min: possible,
          max: possible,
          runs: [possible],
        },
        ratio: both.value / possible,
        targets: [
          hold(
            { what: 'share of the parts alone', value: both.value / possible, at_least: 0.9, unit: '' },
            context.scale,
          ),
        ],
      },
      {
        ...figure('transport', 'the transport alone: nothing is decoded, nothing computed', 'messages and copies'),
        floor: { what: 'decoders alone', ...decoders },
        ratio: transport.value / decoders.value,
        targets: [
          // 10,000 a second where decoders give 2,000.
          hold(
            { what: 'of the decoders', value: transport.value / decoders.value, at_least: 5, unit: 'x' },
            context.scale,
          ),
        ],
      },
    ];

    function factsOf({ perImage }: FeedFigure): Record<string, string> {
      const facts: Record<string, string> = { 'bytes copied': `${COPIED_BYTES.toLocaleString('en-US')} an image` };
      for (const [kind, { cpuMs, contextSwitches }] of Object.entries(perImage))
        facts[kind] = `${cpuMs.toFixed(2)} ms of CPU and ${contextSwitches.toFixed(1)} waits an image`;
      return facts;
    }
  },
};
