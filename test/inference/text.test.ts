import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EmbedItem, EmbedOutcome } from '../../core/embedding/embedder.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { COLOURS, COLOURS_DIM, makeColourWordsModel } from '../support/colour-words.ts';
import { temporaryFolder } from './tiny-models.ts';

const medium = imagesMedium();

let folder: string;
let model: string;
let embedder: InferenceEmbedder;

beforeAll(async () => {
  folder = await temporaryFolder();
  model = await makeColourWordsModel(join(folder, 'colours'));
  embedder = createEmbedder({ threads: 1 });
});
afterAll(async () => {
  await embedder.close();
  await rm(folder, { recursive: true });
});

async function pictureOf(name: string): Promise<EmbedItem> {
  const [r, g, b] = COLOURS[name] as readonly [number, number, number];
  const path = join(folder, `${name}.png`);
  await sharp({ create: { width: 40, height: 30, channels: 3, background: { r, g, b } } })
    .png()
    .toFile(path);
  return { path };
}

function vectorOf(outcome: EmbedOutcome | undefined): Float32Array {
  if (outcome === undefined || !('vector' in outcome)) throw new Error(`no vector: ${JSON.stringify(outcome)}`);
  return outcome.vector;
}

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

test.each<[text: string, name: string]>([
  ...Object.keys(COLOURS).map((name): [string, string] => [name, name]),
  ['RED', 'red'],
  ['a blue one', 'blue'],
  ['A picture of something blue.', 'blue'],
])('%j is nearest to the picture in %s', async (text, name) => {
  const names = Object.keys(COLOURS);
  const outcomes = await embedder.embed(model, medium, [{ text }, ...(await Promise.all(names.map(pictureOf)))]);
  const [words, ...pictures] = outcomes.map(vectorOf) as [Float32Array, ...Float32Array[]];
  const nearest = names.toSorted((a, b) => similarity(b) - similarity(a))[0];
  function similarity(of: string) {
    return cosine(words, pictures[names.indexOf(of)] as Float32Array);
  }
  expect(nearest).toBe(name);
  expect(words).toHaveLength(COLOURS_DIM);
  expect(Math.hypot(...words)).toBeCloseTo(1, 6);
});
