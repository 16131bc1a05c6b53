import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EmbedOutcome } from '../../core/embedding/embedder.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { echoGraph, RAW_4X4, temporaryFolder, unit, writeModel, writePng } from './tiny-models.ts';

const NORMALIZED = {
  ...RAW_4X4,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.5, 0.4, 0.3],
  image_std: [0.2, 0.3, 0.4],
};

const medium = imagesMedium();

let folder: string;
let embedder: InferenceEmbedder;

beforeAll(async () => {
  folder = await temporaryFolder();
  embedder = createEmbedder({ batchSize: 4 });
});

afterAll(async () => {
  await embedder.close();
  await rm(folder, { recursive: true });
});

/** Normalises the bytes of interleaved RGB, independently of the code under test. */
function normalized(pixels: Uint8Array): number[] {
  return Array.from(pixels, (value, i) => {
    const mean = NORMALIZED.image_mean[i % 3] as number;
    const std = NORMALIZED.image_std[i % 3] as number;
    return (value / 255 - mean) / std;
  });
}

function planes(interleaved: ArrayLike<number>): number[] {
  return [0, 1, 2].flatMap((channel) => Array.from(interleaved).filter((_, i) => i % 3 === channel));
}

function vectorOf(outcome: EmbedOutcome | undefined): Float32Array {
  if (outcome === undefined || !('vector' in outcome)) throw new Error(`no vector: ${JSON.stringify(outcome)}`);
  return outcome.vector;
}

async function embedOne(model: string, path: string): Promise<Float32Array> {
  const [outcome] = await embedder.embed(model, medium, [{ path }]);
  return vectorOf(outcome);
}

function expectClose(actual: Float32Array, expected: Float32Array, tolerance = 1e-6): void {
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(...actual.map((value, i) => Math.abs(value - (expected[i] as number))));
  expect(worst).toBeLessThan(tolerance);
}

test.each([
  { layout: 'NCHW', shape: ['batch', 3, 4, 4], arrange: planes },
  { layout: 'NHWC', shape: ['batch', 4, 4, 3], arrange: (values: ArrayLike<number>) => Array.from(values) },
])('float32 $layout input gets rescaled, normalised values', async ({ layout, shape, arrange }) => {
  const model = await writeModel(join(folder, `float-${layout}`), echoGraph('float32', shape), NORMALIZED);
  const path = join(folder, `float-${layout}.png`);
  const pixels = await writePng(path, 1);
  expectClose(await embedOne(model, path), unit(arrange(normalized(pixels))));
});

test.each([
  { layout: 'NCHW', shape: ['batch', 3, 4, 4], arrange: planes },
  { layout: 'NHWC', shape: ['batch', 4, 4, 3], arrange: (values: ArrayLike<number>) => Array.from(values) },
])('uint8 $layout input gets the pixels as they are', async ({ layout, shape, arrange }) => {
  const model = await writeModel(join(folder, `bytes-${layout}`), echoGraph('uint8', shape), RAW_4X4);
  const path = join(folder, `bytes-${layout}.png`);
  const pixels = await writePng(path, 2);
  expectClose(await embedOne(model, path), unit(arrange(pixels)));
});

test('float16 input gets normalised values to half precision', async () => {
  const model = await writeModel(join(folder, 'half'), echoGraph('float16', ['batch', 3, 4, 4]), NORMALIZED);
  const path = join(folder, 'half.png');
  const pixels = await writePng(path, 3);
  expectClose(await embedOne(model, path), unit(planes(normalized(pixels))), 1e-3);
});

test('a graph with a fixed batch is always given so many, and the rest is not answered', async () => {
  const model = await writeModel(join(folder, 'fixed'), echoGraph('uint8', [3, 4, 4, 3]), RAW_4X4);
  expect(await embedder.open(model, medium)).toMatchObject({ batchSize: 3, dim: 48 });
  const paths = Array.from({ length: 7 }, (_, n) => join(folder, `fixed-${n}.png`));
  const pixels = await Promise.all(paths.map(writePng));
  const outcomes = await embedder.embed(
    model,
    medium,
    paths.map((path) => ({ path })),
  );
  expect(outcomes).toHaveLength(7);
  for (const [n, outcome] of outcomes.entries()) expectClose(vectorOf(outcome), unit(pixels[n] as Uint8Array));
});

test('shortest edge and centre crop keep the middle of the picture', async () => {
  const config = { ...RAW_4X4, size: { shortest_edge: 8 }, do_center_crop: true, crop_size: 4 };
  const model = await writeModel(join(folder, 'crop'), echoGraph('uint8', ['batch', 4, 4, 3]), config);
  // 16 x 8: nothing to resize, and the middle 4 x 4 begins at column 6, row 2.
  const pixels = Uint8Array.from({ length: 16 * 8 * 3 }, (_, i) => (i * 7) % 256);
  const path = join(folder, 'wide.png');
  await sharp(pixels, { raw: { width: 16, height: 8, channels: 3 } })
    .png()
    .toFile(path);
  const middle = [0, 1, 2, 3].flatMap((row) => {
    const start = ((row + 2) * 16 + 6) * 3;
    return Array.from(pixels.subarray(start, start + 12));
  });
  expectClose(await embedOne(model, path), unit(middle));
});

test('resizing averages what a pixel covers, as Pillow does', async () => {
  const config = { ...RAW_4X4, resample: 2 };
  const model = await writeModel(join(folder, 'bilinear'), echoGraph('uint8', ['batch', 4, 4, 3]), config);
  // Stripes of one pixel: a resize that samples instead of averaging gives black or white, not grey.
  const stripes = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (Math.floor(i / 3) % 2) * 200);
  const path = join(folder, 'stripes.png');
  await sharp(stripes, { raw: { width: 64, height: 64, channels: 3 } })
    .png()
    .toFile(path);
  expectClose(await embedOne(model, path), unit(new Array(48).fill(100)), 5e-3);
});

/** 60 x 40: red, green, blue and yellow quarters. */
async function writeQuadrants(path: string): Promise<void> {
  const colours = [
    [220, 30, 30],
    [30, 180, 40],
    [30, 40, 210],
    [230, 220, 40],
  ];
  const pixels = Array.from({ length: 60 * 40 }, (_, i) => colours[(i % 60 < 30 ? 0 : 1) + (i < 60 * 20 ? 0 : 2)]);
  await sharp(Uint8Array.from(pixels.flat() as number[]), { raw: { width: 60, height: 40, channels: 3 } })
    .png()
    .toFile(path);
}

test('a config that leaves its normalisation out is normalised as its processor does', async () => {
  const config = {
    image_processor_type: 'CLIPImageProcessor',
    size: { shortest_edge: 8 },
    crop_size: 8,
    do_center_crop: true,
    resample: 3,
  };
  const model = await writeModel(join(folder, 'left-out'), echoGraph('float32', ['batch', 3, 8, 8]), config);
  const path = join(folder, 'quadrants.png');
  await writeQuadrants(path);
  const vector = await embedOne(model, path);
  // The vector has length 1, so the proportions of the top left pixel are compared.
  const [red, green, blue] = [0, 64, 128].map((i) => vector[i] as number) as [number, number, number];
  expect(green / red).toBeCloseTo(-1.302 / 1.419, 2);
  expect(blue / red).toBeCloseTo(-1.054 / 1.419, 2);
  expect(red).toBeGreaterThan(0);
});

test.each([{ declared: ['batch', 3, 1, 1] }, { declared: ['batch', 'n', 'height', 'width'] }])(
  'a pooler_output of $declared is a vector for each image',
  async ({ declared }) => {
    const { createGraph } = await import('../../scripts/onnx.ts');
    const graph = createGraph({ name: 'convolutions' });
    const pixels = graph.input('pixels', 'float32', ['batch', 3, 4, 4]);
    graph.apply('Identity', [pixels], {}, 'last_hidden_state');
    graph.output('last_hidden_state', 'float32', ['batch', 3, 4, 4]);
    graph.apply('GlobalAveragePool', [pixels], {}, 'pooler_output');
    graph.output('pooler_output', 'float32', declared);
    const model = await writeModel(join(folder, `pooler-${declared[1]}`), graph.encode(), RAW_4X4);
    expect(await embedder.open(model, medium)).toMatchObject({ dim: 3 });
    const paths = [8, 9].map((n) => join(folder, `pooler-${n}.png`));
    for (const [n, path] of paths.entries()) {
      const bytes = await writePng(path, n + 8);
      const means = planes(bytes).reduce<number[]>((sums, value, i) => {
        const channel = Math.floor(i / 16);
        sums[channel] = (sums[channel] ?? 0) + value / 16;
        return sums;
      }, []);
      expectClose(await embedOne(model, path), unit(means));
    }
  },
);

test('an output whose free dimensions turn out larger than 1 is refused before any image', async () => {
  const { createGraph } = await import('../../scripts/onnx.ts');
  const graph = createGraph({ name: 'map' });
  const pixels = graph.input('pixels', 'float32', ['batch', 3, 'rows', 'columns']);
  graph.apply('Identity', [pixels], {}, 'pooler_output');
  graph.output('pooler_output', 'float32', ['batch', 3, 'height', 'width']);
  const model = await writeModel(join(folder, 'map'), graph.encode(), RAW_4X4);
  await expect(embedder.open(model, medium)).rejects.toMatchObject({
    code: 'ModelInvalid',
    message: expect.stringContaining('[1, 3, 4, 4]'),
  });
});

test('a model of BGR gets its blue first', async () => {
  const config = { ...RAW_4X4, do_flip_channel_order: true };
  const model = await writeModel(join(folder, 'bgr'), echoGraph('uint8', ['batch', 4, 4, 3]), config);
  const path = join(folder, 'bgr.png');
  const pixels = await writePng(path, 10);
  expectClose(await embedOne(model, path), unit(pixels.map((_, i) => pixels[i - (i % 3) + 2 - (i % 3)] as number)));
});

test('EXIF orientation is applied before the model sees the picture', async () => {
  const model = await writeModel(join(folder, 'orientation'), echoGraph('uint8', ['batch', 4, 4, 3]), RAW_4X4);
  const upright = join(folder, 'upright.tiff');
  const turned = join(folder, 'turned.tiff');
  const pixels = await writePng(join(folder, 'orientation.png'), 4);
  const image = sharp(pixels, { raw: { width: 4, height: 4, channels: 3 } });
  await image.clone().rotate(90).tiff({ compression: 'none' }).toFile(upright);
  // Orientation 6: to be turned by 90 degrees clockwise for display.
  await image.clone().withMetadata({ orientation: 6 }).tiff({ compression: 'none' }).toFile(turned);
  expectClose(await embedOne(model, turned), await embedOne(model, upright));
});

test('the first token of last_hidden_state is the vector where there is nothing better', async () => {
  const { createGraph } = await import('../../scripts/onnx.ts');
  const graph = createGraph({ name: 'tokens' });
  const pixels = graph.input('pixels', 'uint8', ['batch', 4, 4, 3]);
  const floats = graph.apply('Cast', [pixels], { to: 1 });
  // Four tokens of twelve numbers: the rows of the picture.
  graph.apply('Reshape', [floats, graph.constant('int64', [3], [0, 4, 12])], {}, 'last_hidden_state');
  graph.output('last_hidden_state', 'float32', ['batch', 4, 12]);
  const model = await writeModel(join(folder, 'tokens'), graph.encode(), RAW_4X4);
  const path = join(folder, 'tokens.png');
  const bytes = await writePng(path, 5);
  expectClose(await embedOne(model, path), unit(bytes.subarray(0, 12)));
});
