/**
 * Measures how a device is fed: decoders alone, the encoder alone on frames that are filled, both together, and the
 * transport alone, with decoders that decode nothing and a model that computes nothing. Prints JSON.
 *
 *     node bench/feed.ts IMAGES_FOLDER MODEL_FOLDER [--only decoders,encoder,both,transport] [--count N]
 *       [--batch-size N] [--threads N] [--decoders N,N,…] [--device cuda:0] [--floats]
 *
 * `--floats`: a GPU gets images as floats, as a CPU does.
 */
import { randomFillSync } from 'node:crypto';
import { availableParallelism, tmpdir } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { imagesMedium } from '../core/media/images/medium.ts';
import type { Medium } from '../core/media/medium.ts';
import { findModel, type ModelFiles } from '../core/models/find-model.ts';
import { createDecoders } from '../inference/decoders.ts';
import { createEmbedder } from '../inference/embedder.ts';
import { openFrames, writeFrame } from '../inference/frames.ts';
import type { EncoderReply, EncoderRequest, LoadedModel } from '../inference/messages.ts';
import { startPulsingProcess } from '../inference/pulsing-process.ts';
import { type Device, type InferenceSettings, settingsFromEnvironment, settingsOn } from '../inference/settings.ts';
import { noSuspicion, type Task } from '../inference/task.ts';
import { makeBlankModel } from './blank-model.ts';
import { imagesIn } from './images-in.ts';
import { type Usage, usageBetween, usageOf } from './process-usage.ts';

export interface FeedBench {
  imagesDir: string;
  modelDir: string;
  /** Images of a measurement. */
  count: number;
  settings: InferenceSettings;
}

/** A measurement's rate, and what each image costs each kind of process. */
export interface FeedFigure {
  imagesPerSecond: number;
  perImage: Record<string, Usage>;
  /** Peak resident memory of all processes of a kind together, in bytes. */
  peakBytes: Record<string, number>;
}

/** Calls that are under way at once, a batch each: those of two chunks, as an embedding worker has. */
const CALLS = 6;
const BATCHES_UNDER_WAY = 2;

/** The medium whose decoders give grey pixels at once, whatever the file holds. */
export const BLANK_MEDIUM: Medium = {
  ...imagesMedium(),
  preparation: {
    module: new URL('./blank-decoding.ts', import.meta.url).href,
    options: imagesMedium().preparation.options,
  },
};

/** Decodes files into frames that become free at once, without an encoder. */
export async function measureDecoders(
  paths: readonly string[],
  { decoding }: LoadedModel,
  settings: InferenceSettings,
): Promise<FeedFigure> {
  if (decoding === undefined) throw new TypeError('the model takes no files');
  const frames = openFrames();
  await frames.reserve(settings.threads * 8, decoding.itemBytes);
  let done = Promise.withResolvers<void>();
  let left = 0;
  const decoders = createDecoders(
    { name: 'bench', one: 'image', frames, settings },
    {
      onDecoded(tasks) {
        for (const task of tasks) frames.giveBack(task.frame as number);
        left -= tasks.length;
        if (left === 0) done.resolve();
        else decoders.dispatch();
      },
      onSignOfLife: () => undefined,
      onUnavailable: (error) => done.reject(error),
    },
  );
  const decode = async (files: readonly string[]) => {
    done = Promise.withResolvers();
    left = files.length;
    decoders.decode(files.map((path, key) => taskOf(key, path, done.reject)));
    await done.promise;
  };
  try {
    decoders.open(decoding);
    const kinds = () => ({ decoders: decoders.pids() });
    return await timed(kinds, paths, decode);
  } finally {
    await decoders.end();
    await frames.close();
  }
}

function taskOf(key: number, path: string, fail: (error: unknown) => void): Task {
  const settle = (outcome: object) => fail(new Error(`${path}: ${JSON.stringify(outcome)}`));
  const task = { key, item: { path }, decoding: noSuspicion(), encoding: noSuspicion() };
  return { ...task, wasLate: false, over: false, settle, fail };
}

/** Encodes frames that are filled once. */
export async function measureEncoder(
  files: ModelFiles,
  count: number,
  settings: InferenceSettings,
): Promise<FeedFigure & { model: LoadedModel }> {
  const medium = imagesMedium();
  const [device = { type: 'cpu' }] = settings.devices as readonly Device[];
  const frames = openFrames();
  let onReply: (reply: EncoderReply) => void = () => undefined;
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  const encoder = startPulsingProcess<EncoderRequest, EncoderReply>(
    { ...settings, module: 'encoder', framesFd: frames.fd, execArgv: [] },
    { onReply: (reply) => onReply(reply), onExit: ({ reason }) => ended.reject(new Error(reason)) },
  );
  try {
    const model = await Promise.race([loadedBy(), ended.promise]);
    const { batchSize, decoding } = model;
    if (decoding === undefined) throw new TypeError('the model takes no files');
    const held = BATCHES_UNDER_WAY * batchSize;
    await frames.reserve(held, decoding.itemBytes);
    const pixels = new Uint8Array(decoding.itemBytes);
    for (let frame = 0; frame < held; frame++) writeFrame(frames.fd, frame, randomFillSync(pixels));
    const run = async (items: readonly unknown[]) => {
      let toSend = Math.ceil(items.length / batchSize);
      let toReceive = toSend;
      const done = Promise.withResolvers<void>();
      const send = (place: number) => {
        if (toSend === 0) return;
        toSend -= 1;
        const batch = Array.from({ length: batchSize }, (_, n) => ({ frame: place * batchSize + n }));
        encoder.send({ type: 'encode', id: place, items: batch });
      };
      onReply = (reply) => {
        if (reply.type !== 'encoded') return;
        send(reply.id);
        toReceive -= 1;
        if (toReceive === 0) done.resolve();
      };
      for (let place = 0; place < BATCHES_UNDER_WAY; place++) send(place);
      await Promise.race([done.promise, ended.promise]);
    };
    const figure = await timed(() => ({ encoder: encoder.pid === undefined ? [] : [encoder.pid] }), range(count), run);
    return { ...figure, model };
  } finally {
    encoder.kill();
    await ended.promise.catch(() => undefined);
    await frames.close();
  }

  function loadedBy(): Promise<LoadedModel> {
    return new Promise((resolve, reject) => {
      onReply = (reply) => {
        if (reply.type === 'loaded') resolve(reply.model);
        if (reply.type === 'refused') reject(new Error(reply.error.message));
      };
      const { preparation, models } = medium;
      const side = { ...preparation, outputs: models.outputs };
      encoder.send({ type: 'load', files, settings: settingsOn(device, [device], settings), known: [], side });
    });
  }
}

/** Decodes and encodes, in calls of a batch as the embedding activity makes them. */
export async function measureBoth(
  paths: readonly string[],
  modelDir: string,
  settings: InferenceSettings,
  medium: Medium = imagesMedium(),
): Promise<FeedFigure> {
  const embedder = createEmbedder(settings);
  try {
    const { batchSize } = await embedder.open(modelDir, medium);
    const run = async (files: readonly string[]) => {
      let next = 0;
      const embedUntilDone = async () => {
        for (let from = next; from < files.length; from = next) {
          next += batchSize;
          const items = files.slice(from, from + batchSize).map((path) => ({ path }));
          const outcomes = await embedder.embed(modelDir, medium, items, { findKnown: async () => new Set() });
          for (const outcome of outcomes) if ('error' in outcome) throw new Error(outcome.error.message);
        }
      };
      await Promise.all(Array.from({ length: CALLS }, embedUntilDone));
    };
    const kinds = () => ({ encoder: embedder.childPids(), decoders: embedder.decoderPids() });
    return await timed(kinds, paths, run);
  } finally {
    await embedder.close();
  }
}

/** Runs once to start all processes and warm them up, and once to measure. */
async function timed<T>(
  kinds: () => Record<string, number[]>,
  items: readonly T[],
  run: (items: readonly T[]) => Promise<void>,
): Promise<FeedFigure> {
  await run(items.slice(0, Math.ceil(items.length / 4)));
  const all = () => ({ worker: [process.pid], ...kinds() });
  const pids = all();
  const before = await usageOf(pids);
  const started = performance.now();
  await run(items);
  const seconds = (performance.now() - started) / 1000;
  const { perItem, peakBytes } = usageBetween(before, await usageOf(pids), items.length);
  // This process has done other measurements before.
  delete peakBytes.worker;
  return { imagesPerSecond: items.length / seconds, perImage: perItem, peakBytes };
}

const range = (count: number) => Array.from({ length: count }, (_, n) => n);

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string', default: 'decoders,encoder,both,transport' },
      count: { type: 'string', default: '1024' },
      'batch-size': { type: 'string' },
      threads: { type: 'string', default: String(availableParallelism()) },
      decoders: { type: 'string' },
      device: { type: 'string', default: 'cpu' },
      floats: { type: 'boolean', default: false },
    },
  });
  const [imagesDir, modelDir] = positionals;
  if (imagesDir === undefined || modelDir === undefined) {
    console.error('usage: node bench/feed.ts IMAGES_FOLDER MODEL_FOLDER [options: see the file]');
    process.exit(2);
  }
  const settingsFor = (decoders?: string): InferenceSettings => {
    const settings = settingsFromEnvironment({
      ...process.env,
      PLIMSOLL_DEVICE: values.device,
      PLIMSOLL_THREADS: values.threads,
      ...(values['batch-size'] === undefined ? {} : { PLIMSOLL_BATCH_SIZE: values['batch-size'] }),
      ...(decoders === undefined ? {} : { PLIMSOLL_DECODERS: decoders }),
    });
    return values.floats ? { ...settings, takesBytes: false } : settings;
  };
  const count = Number(values.count);
  const only = values.only.split(',');
  const paths = await imagesIn(imagesDir, count);
  const print = (what: string, figure: FeedFigure) => console.log(JSON.stringify({ what, ...figure }));
  const files = await findModel(modelDir, imagesMedium().models);
  const { model, ...encoder } = await measureEncoder(files, only.includes('encoder') ? count : 64, settingsFor());
  if (only.includes('encoder')) print(`encoder, batches of ${model.batchSize}`, encoder);
  for (const decoders of values.decoders?.split(',') ?? [undefined]) {
    const settings = settingsFor(decoders);
    const name = `${settings.decoders} processes, ${settings.threads} threads`;
    if (only.includes('decoders')) print(`decoders: ${name}`, await measureDecoders(paths, model, settings));
    if (only.includes('both')) print(`both: ${name}`, await measureBoth(paths, modelDir, settings));
    if (only.includes('transport')) {
      const cpu = { ...settings, device: { type: 'cpu' }, takesBytes: false } as const;
      print(`transport: ${name}`, await measureBoth(paths, await makeBlankModel(tmpdir()), cpu, BLANK_MEDIUM));
    }
  }
}
