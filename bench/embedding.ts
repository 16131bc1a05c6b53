/**
 * Measures embedding end to end (files to vectors, with the worker's embedder) against raw ONNX Runtime with the same
 * graph, batch size and threads. Both take turns within one run.
 *
 *     node bench/embedding.ts IMAGES_FOLDER MODEL_FOLDER [--count N] [--batch-size N] [--rounds N]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { imagesMedium } from '../core/media/images/medium.ts';
import { readPreprocessing } from '../core/media/images/preprocessing.ts';
import { findModel } from '../core/models/find-model.ts';
import { createEmbedder, type InferenceEmbedder } from '../inference/embedder.ts';
import { rawAnswer } from './raw-answer.ts';

const IMAGES = imagesMedium();

export interface EmbeddingBench {
  imagesDir: string;
  modelDir: string;
  /** Images per round. */
  count: number;
  batchSize: number;
  rounds?: number;
}

export interface EmbeddingFigures {
  /** Images per second, the median over the rounds. */
  rawPerSecond: number;
  embedderPerSecond: number;
  /** The embedder's rate divided by that of raw inference just before, the median over the rounds; at most 1. */
  ratio: number;
  /** The embedder's best round divided by raw inference's best. Other work on the machine affects these least. */
  bestRatio: number;
  rounds: { rawPerSecond: number; embedderPerSecond: number }[];
  count: number;
  batchSize: number;
  threads: number;
}

export async function benchEmbedding(bench: EmbeddingBench): Promise<EmbeddingFigures> {
  const { modelDir, count, batchSize } = bench;
  const threads = availableParallelism();
  const images = await firstImages(bench.imagesDir, count);
  const embedder = createEmbedder({ devices: [{ type: 'cpu' }], batchSize, threads });
  const raw = await startRawInference(modelDir, batchSize, threads);
  try {
    await embedder.open(modelDir, IMAGES);
    await embedAll(embedder, modelDir, images.slice(0, batchSize), batchSize);
    const rounds: EmbeddingFigures['rounds'] = [];
    for (let round = 0; round < (bench.rounds ?? 3); round++) {
      const batches = Math.ceil(count / batchSize);
      const rawMs = await runRaw(raw, batches);
      const started = performance.now();
      await embedAll(embedder, modelDir, images, batchSize);
      const embedderMs = performance.now() - started;
      rounds.push({
        rawPerSecond: (batches * batchSize * 1000) / rawMs,
        embedderPerSecond: (count * 1000) / embedderMs,
      });
    }
    return {
      rawPerSecond: median(rounds.map((round) => round.rawPerSecond)),
      embedderPerSecond: median(rounds.map((round) => round.embedderPerSecond)),
      ratio: median(rounds.map((round) => round.embedderPerSecond / round.rawPerSecond)),
      bestRatio:
        Math.max(...rounds.map((round) => round.embedderPerSecond)) /
        Math.max(...rounds.map((round) => round.rawPerSecond)),
      rounds,
      count,
      batchSize,
      threads,
    };
  } finally {
    raw.disconnect();
    await embedder.close();
  }
}

/** Embeds in concurrent calls of one batch each, as the embedding activity does. */
async function embedAll(
  embedder: InferenceEmbedder,
  model: string,
  images: readonly string[],
  batchSize: number,
): Promise<void> {
  let next = 0;
  const embedUntilDone = async () => {
    for (let from = next; from < images.length; from = next) {
      next += batchSize;
      const outcomes = await embedder.embed(
        model,
        IMAGES,
        images.slice(from, from + batchSize).map((path) => ({ path })),
      );
      for (const outcome of outcomes) if ('error' in outcome) throw new Error(outcome.error.message);
    }
  };
  await Promise.all(Array.from({ length: 3 }, embedUntilDone));
}

async function startRawInference(modelDir: string, batchSize: number, threads: number): Promise<ChildProcess> {
  const { graphFile, files } = await findModel(modelDir, IMAGES.models);
  const [preprocessorFile] = files as [string];
  const { geometry } = await readPreprocessing(preprocessorFile);
  const file = fileURLToPath(new URL('./raw-inference.ts', import.meta.url));
  const child = fork(file, [graphFile, String(batchSize), String(threads), String(geometry.crop.width)]);
  await rawAnswer(child);
  return child;
}

async function runRaw(child: ChildProcess, batches: number): Promise<number> {
  child.send({ type: 'run', batches });
  return rawAnswer(child);
}

async function firstImages(folder: string, count: number): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const images = names.filter((name) => /\.(jpe?g|png|webp)$/i.test(name)).sort();
  if (images.length < count) throw new RangeError(`${folder} holds ${images.length} images, ${count} are wanted`);
  return images.slice(0, count).map((name) => join(folder, name));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { count: { type: 'string' }, 'batch-size': { type: 'string' }, rounds: { type: 'string' } },
  });
  const [imagesDir, modelDir] = positionals;
  if (imagesDir === undefined || modelDir === undefined) {
    console.error(
      'usage: node bench/embedding.ts IMAGES_FOLDER MODEL_FOLDER [--count N] [--batch-size N] [--rounds N]',
    );
    process.exit(2);
  }
  const figures = await benchEmbedding({
    imagesDir,
    modelDir,
    count: Number(values.count ?? 256),
    batchSize: Number(values['batch-size'] ?? 32),
    rounds: Number(values.rounds ?? 3),
  });
  console.log(JSON.stringify(figures, null, 2));
}
