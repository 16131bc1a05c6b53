import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { findModel } from '../../core/models/find-model.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { buildBuiltinGraph } from '../../scripts/make-builtin-models.ts';
import { drawScene, randomNumbers } from './scenes.ts';

const medium = imagesMedium();
const IMAGES = 300;

/** Each takes a decoded original of 256 x 192, and by itself makes the copy. */
const ALTERATIONS: Record<string, (original: Sharp, n: number) => Sharp> = {
  'resized to a quarter': (original) => original.resize(64, 48).jpeg({ quality: 90 }),
  'resized to a half': (original) => original.resize(128, 96).jpeg({ quality: 90 }),
  'resized to one and a half': (original) => original.resize(384, 288).jpeg({ quality: 90 }),
  'recompressed at quality 50': (original) => original.jpeg({ quality: 50 }),
  'brightened by 10 %': (original) => original.linear(1.1, 0).jpeg({ quality: 90 }),
  'cropped by 5 %': (original, n) => {
    const random = randomNumbers(n + 7);
    const [width, height] = [Math.round(256 * 0.95), Math.round(192 * 0.95)];
    const left = Math.floor(random() * (256 - width + 1));
    const top = Math.floor(random() * (192 - height + 1));
    return original.extract({ left, top, width, height }).jpeg({ quality: 90 });
  },
};

test('the committed graph is what the script makes', async () => {
  const { graphFile } = await findModel(BUILT_IN_MODEL, medium.models);
  expect(Buffer.compare(await readFile(graphFile), buildBuiltinGraph())).toBe(0);
});

describe(`among ${IMAGES} pictures`, () => {
  let folder: string;
  let embedder: InferenceEmbedder;
  let originals: Float32Array[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plimsoll-scenes-'));
    embedder = createEmbedder({ batchSize: 64 });
    await inParallel(IMAGES, drawWithCopies);
    originals = await vectorsOf('original');
  });

  afterAll(async () => {
    await embedder.close();
    await rm(folder, { recursive: true });
  });

  const fileOf = (kind: string, n: number) => join(folder, `${n} ${kind}.jpg`);

  async function drawWithCopies(n: number): Promise<void> {
    const original = await drawScene(n);
    await writeFile(fileOf('original', n), original);
    for (const [kind, alter] of Object.entries(ALTERATIONS))
      await writeFile(fileOf(kind, n), await alter(sharp(original), n).toBuffer());
  }

  async function vectorsOf(kind: string): Promise<Float32Array[]> {
    const images = Array.from({ length: IMAGES }, (_, n) => ({ path: fileOf(kind, n) }));
    const outcomes = await embedder.embed(BUILT_IN_MODEL, medium, images);
    return outcomes.map((outcome) => {
      if (!('vector' in outcome)) throw new Error(`no vector: ${JSON.stringify(outcome)}`);
      return outcome.vector;
    });
  }

  test.each(Object.keys(ALTERATIONS))('the nearest neighbour of a copy %s is its original', async (kind) => {
    const copies = await vectorsOf(kind);
    const found = copies.filter((copy, n) => nearest(copy, originals) === n).length;
    console.log(`${kind}: ${((100 * found) / IMAGES).toFixed(1)} %`);
    expect(found / IMAGES).toBeGreaterThanOrEqual(0.95);
  });
});

function nearest(vector: Float32Array, among: readonly Float32Array[]): number {
  let best = -1;
  let bestSimilarity = Number.NEGATIVE_INFINITY;
  for (const [n, other] of among.entries()) {
    let similarity = 0;
    for (let i = 0; i < vector.length; i++) similarity += (vector[i] as number) * (other[i] as number);
    if (similarity <= bestSimilarity) continue;
    bestSimilarity = similarity;
    best = n;
  }
  return best;
}

async function inParallel(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const workUntilDone = async () => {
    for (let n = next++; n < count; n = next++) await work(n);
  };
  await Promise.all(Array.from({ length: 4 }, workUntilDone));
}
