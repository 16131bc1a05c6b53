import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodePixels } from '../../../core/media/images/decode.ts';
import { createPixelWriter } from '../../../core/media/images/image-tensor.ts';
import { type Preprocessing, parsePreprocessing } from '../../../core/media/images/preprocessing.ts';

/**
 * The tensors that transformers makes of three pictures, for the configs of common models and for configs that leave
 * fields out. preprocessors/make-expected.py computed them.
 */
interface Expected {
  shape: [channels: number, height: number, width: number];
  /** The mean of each channel. */
  means: number[];
  /** The values at GRID x GRID places of each channel. */
  grid: number[];
}

const GRID = 4;

const read = (file: string) => JSON.parse(readFileSync(new URL(`preprocessors/${file}`, import.meta.url), 'utf8'));
const published: Record<string, object> = read('published.json');
const leftOut: Record<string, object> = read('left-out.json');
const expected: Record<string, Record<string, Expected>> = read('expected.json').cases;

/** The formulas of make-expected.py. */
const QUADRANTS = [
  [220, 30, 30],
  [30, 180, 40],
  [30, 40, 210],
  [230, 220, 40],
];
const quadrants = (x: number, y: number, channel: number) =>
  QUADRANTS[(x < 150 ? 0 : 1) + (y < 100 ? 0 : 2)]?.[channel] as number;
const waves = (x: number, y: number, channel: number) =>
  Math.abs(((x * (channel + 1) + y * (3 - channel) + 40 * channel) % 510) - 255);

const pictures = {
  quadrants: await pictureOf(300, 200, quadrants),
  wide: await pictureOf(401, 307, waves),
  tall: await pictureOf(183, 500, waves),
};

async function pictureOf(width: number, height: number, value: typeof waves): Promise<Uint8Array> {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return value(pixel % width, Math.floor(pixel / width), i % 3);
  });
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

async function tensorOf(config: object, picture: Uint8Array) {
  const preprocessing = parsePreprocessing(config);
  const { width, height } = preprocessing.geometry.crop;
  const values = new Float32Array(3 * height * width);
  const input = { name: 'pixel_values', type: 'float32', layout: 'NCHW', fixedBatch: undefined } as const;
  createPixelWriter(input, preprocessing)(await decodePixels({ bytes: picture }, preprocessing.geometry), values, 0);
  return { preprocessing, values, width, height };
}

/**
 * Compares in steps of the 256 values of a pixel. libvips and Pillow have the same filters, but round differently and
 * shrink in other steps: whole tensors differ by 2 steps at most and a quarter of a step on average. A shift by half a
 * pixel changes the waves by 1 to 20 steps. Targets below 32 pixels differ more, since libvips first averages blocks.
 */
async function expectAsTransformers(config: object, picture: keyof typeof pictures, { shape, means, grid }: Expected) {
  const { preprocessing, values, width, height } = await tensorOf(config, pictures[picture]);
  expect([3, height, width]).toEqual(shape);
  const { rescaleFactor, std } = preprocessing.normalization as NonNullable<Preprocessing['normalization']>;
  const isTiny = width < 32;
  const place = (i: number, size: number) => Math.floor(((2 * i + 1) * size) / (2 * GRID));
  for (const channel of [0, 1, 2]) {
    const plane = values.subarray(channel * width * height, (channel + 1) * width * height);
    const steps = (a: number, b: number) => (Math.abs(a - b) * (std[channel] as number)) / rescaleFactor;
    const mean = plane.reduce((sum, value) => sum + value, 0) / plane.length;
    expect(steps(mean, means[channel] as number)).toBeLessThan(isTiny ? 1.5 : 0.35);
    for (let i = 0; i < GRID * GRID; i++) {
      const value = plane[place(Math.floor(i / GRID), height) * width + place(i % GRID, width)] as number;
      const right = grid[channel * GRID * GRID + i] as number;
      expect(steps(value, right)).toBeLessThan(isTiny ? 9 : picture === 'quadrants' ? 1.1 : 2.5);
    }
  }
}

const names = ['quadrants', 'wide', 'tall'] as const;

describe.each(Object.entries(published))("%s's config", (name, config) => {
  test.each(names)('makes of the picture "%s" what transformers makes of it', (picture) =>
    expectAsTransformers(config, picture, expected[name]?.[picture] as Expected),
  );
});

describe.each(Object.entries(leftOut))('what is left out (%s)', (name, config) => {
  test.each(names)('gets the default of transformers, which the picture "%s" shows', (picture) =>
    expectAsTransformers(config, picture, expected[name]?.[picture] as Expected),
  );
});

test('twelve common models and more are in the table, and each has its expected values', () => {
  expect(Object.keys(published).length).toBeGreaterThanOrEqual(12);
  expect(Object.keys(expected)).toEqual([...Object.keys(published), ...Object.keys(leftOut)]);
});
