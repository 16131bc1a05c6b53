import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EmbedItem } from '../../core/embedding/embedder.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { type ByteInput, readGraphInputs, withByteInput } from '../../core/models/byte-input.ts';
import { findModel } from '../../core/models/find-model.ts';
import { createModelRunner } from '../../inference/model-runner.ts';
import { settingsFromEnvironment, settingsOn } from '../../inference/settings.ts';
import type { Dimension, ElementType, GraphBuilder, ValueName } from '../../scripts/onnx.ts';
import { codeOf, withEmbedder } from './embedders.ts';
import { graphOf, RAW_4X4, temporaryFolder, writeModel, writePng } from './tiny-models.ts';

const medium = imagesMedium();
const IMAGES = 6;
/** CLIP's, by which each channel becomes something else. */
const NORMALIZED = {
  ...RAW_4X4,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};
const MOBILE_VIT = { ...RAW_4X4, image_processor_type: 'MobileViTImageProcessor', do_center_crop: false };
const PLANAR = ['batch', 3, 4, 4];
const INTERLEAVED = ['batch', 4, 4, 3];

let folder: string;
let items: EmbedItem[];
beforeAll(async () => {
  folder = await temporaryFolder();
  const paths = Array.from({ length: IMAGES }, (_, n) => join(folder, `${n}.png`));
  await Promise.all(paths.map(writePng));
  items = paths.map((path) => ({ path }));
});
afterAll(() => rm(folder, { recursive: true }));

/** Weights of more than 4 KB, which stay in the file. */
function mixed(graph: GraphBuilder, pixels: ValueName): ValueName {
  const weights = Array.from({ length: 48 * 32 }, (_, n) => Math.sin(n));
  return graph.apply('MatMul', [
    graph.apply('Flatten', [pixels], { axis: 1 }),
    graph.constant('float32', [48, 32], weights),
  ]);
}

async function vectorsOf(model: string, takesBytes: boolean): Promise<Float32Array[]> {
  let vectors: Float32Array[] = [];
  await withEmbedder({ takesBytes }, async (embedder) => {
    const outcomes = await embedder.embed(model, medium, items);
    expect(outcomes.map(codeOf)).toEqual(items.map(() => 'vector'));
    vectors = outcomes.map((outcome) => ('vector' in outcome ? outcome.vector : new Float32Array()));
  });
  return vectors;
}

const CASES: [name: string, type: ElementType, shape: Dimension[], preprocessing: object][] = [
  ['planes of float32', 'float32', PLANAR, NORMALIZED],
  ['rows of float32', 'float32', INTERLEAVED, NORMALIZED],
  ['planes of float16', 'float16', PLANAR, NORMALIZED],
  ['rows of float16', 'float16', INTERLEAVED, NORMALIZED],
  ['values that are not normalised', 'float32', PLANAR, RAW_4X4],
  ['values that are only rescaled', 'float32', PLANAR, { ...RAW_4X4, do_rescale: true }],
  ['channels in reverse, in planes', 'float32', PLANAR, MOBILE_VIT],
  ['channels in reverse, in rows', 'float32', INTERLEAVED, MOBILE_VIT],
  ['one image at a time', 'float32', [1, 3, 4, 4], NORMALIZED],
  ['a batch of a fixed size', 'float32', [4, 3, 4, 4], NORMALIZED],
];

test.each(CASES)('a graph of %s gives the same vectors from bytes', async (name, type, shape, preprocessing) => {
  const model = await writeModel(join(folder, name.replaceAll(' ', '-')), graphOf(type, shape, mixed), preprocessing);
  const [tables, bytes] = [await vectorsOf(model, false), await vectorsOf(model, true)];
  for (const [n, vector] of bytes.entries()) {
    const wanted = tables[n] as Float32Array;
    expect(Math.max(...vector.map((value, i) => Math.abs(value - (wanted[i] as number))))).toBeLessThan(1e-5);
  }
  // The images differ, so the vectors of one can't stand for those of another.
  expect(new Set(bytes.map((vector) => vector.join()))).toHaveProperty('size', IMAGES);
});

test('a graph whose weights lie in files of their own keeps them', async () => {
  const external = graphOf('float32', PLANAR, (graph, pixels) =>
    graph.apply('MatMul', [
      graph.apply('Flatten', [pixels], { axis: 1 }),
      graph.externalConstant('float32', [48, 32], 'weights.bin'),
    ]),
  );
  const model = await writeModel(join(folder, 'external'), external, NORMALIZED);
  await writeFile(
    join(model, 'weights.bin'),
    Float32Array.from({ length: 48 * 32 }, (_, n) => Math.cos(n)),
  );
  const [tables, bytes] = [await vectorsOf(model, false), await vectorsOf(model, true)];
  for (const [n, vector] of bytes.entries())
    for (const [i, value] of vector.entries()) expect(value).toBeCloseTo((tables[n] as Float32Array)[i] as number, 5);
});

/** Whether the model's graph takes images as bytes, where it may. */
async function takesBytes(model: string): Promise<boolean> {
  const devices = [{ type: 'cpu' }] as const;
  const settings = { ...settingsFromEnvironment({}), devices, takesBytes: true };
  const runner = createModelRunner(
    await findModel(model, medium.models),
    medium,
    settingsOn(devices[0], devices, settings),
  );
  try {
    return (await runner.load()).takesBytes;
  } finally {
    await runner.stop(new Error('over'));
  }
}

test("a graph of floats takes bytes, also one whose file is a link, as in a hub's cache", async () => {
  const model = await writeModel(join(folder, 'taken'), graphOf('float32', PLANAR, mixed), NORMALIZED);
  expect(await takesBytes(model)).toBe(true);
  const linked = join(folder, 'linked');
  await mkdir(join(linked, 'blobs'), { recursive: true });
  await mkdir(join(linked, 'snapshot'));
  await rename(join(model, 'model.onnx'), join(linked, 'blobs', 'abc'));
  await rename(join(model, 'preprocessor_config.json'), join(linked, 'snapshot', 'preprocessor_config.json'));
  await symlink('../blobs/abc', join(linked, 'snapshot', 'model.onnx'));
  expect(await takesBytes(join(linked, 'snapshot'))).toBe(true);
});

test('a graph of bytes stays as it is', async () => {
  const model = await writeModel(join(folder, 'bytes'), graphOf('uint8', INTERLEAVED, mixed), RAW_4X4);
  expect(await takesBytes(model)).toBe(false);
});

test('a free dimension may be written as -1', async () => {
  const model = await writeModel(join(folder, 'negative'), graphOf('float32', [-1, 3, 4, 4], mixed), NORMALIZED);
  expect((await readGraphInputs(join(model, 'model.onnx')))[0]?.shape[0]).toEqual(expect.any(String));
  expect(await takesBytes(model)).toBe(true);
});

test('the weights are not copied', async () => {
  const graph = graphOf('float32', PLANAR, mixed);
  const model = await writeModel(join(folder, 'referred'), graph, NORMALIZED);
  expect(graph.length).toBeGreaterThan(6000);
  expect((await withByteInput(join(model, 'model.onnx'), inputNamed('pixels'))).length).toBeLessThan(2000);
});

test('the inputs of a graph are read from its file', async () => {
  const model = await writeModel(join(folder, 'read'), graphOf('float16', PLANAR, mixed), NORMALIZED);
  expect(await readGraphInputs(join(model, 'model.onnx'))).toEqual([
    { name: 'pixels', type: 'float16', shape: ['batch', 3, 4, 4] },
  ]);
});

test('a file that is no graph, or has no such input, is refused', async () => {
  const model = await writeModel(join(folder, 'refused'), graphOf('float32', PLANAR, mixed), NORMALIZED);
  await expect(withByteInput(join(model, 'model.onnx'), inputNamed('images'))).rejects.toThrow(/no input "images"/);
  await writeFile(join(model, 'model.onnx'), 'no graph');
  await expect(withByteInput(join(model, 'model.onnx'), inputNamed('pixels'))).rejects.toThrow(RangeError);
  await withEmbedder({ takesBytes: true }, async (embedder) => {
    await expect(embedder.open(model, medium)).rejects.toMatchObject({ code: 'ModelInvalid' });
  });
});

const inputNamed = (name: string): ByteInput => ({
  name: 'bytes',
  height: 4,
  width: 4,
  batch: undefined,
  replaces: { name, type: 'float32', layout: 'NCHW' },
  scale: [1, 1, 1],
  offset: [0, 0, 0],
  reverses: false,
});
