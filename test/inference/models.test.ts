import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { BUILT_IN_FOLDERS, BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import { UserError } from '../../core/errors.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { externalWeightFiles } from '../../core/models/external-weights.ts';
import { findModel } from '../../core/models/find-model.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { settingsFromEnvironment } from '../../inference/settings.ts';
import { createGraph } from '../../scripts/onnx.ts';
import { echoGraph, graphOf, RAW_4X4, temporaryFolder, unit, writeModel, writePng } from './tiny-models.ts';

const medium = imagesMedium();

let folder: string;
let embedder: InferenceEmbedder;

beforeAll(async () => {
  folder = await temporaryFolder();
  embedder = createEmbedder({ modelFolders: [folder] });
});

afterAll(async () => {
  await embedder.close();
  await rm(folder, { recursive: true });
});

const ECHO = echoGraph('uint8', ['batch', 4, 4, 3]);

test('a model is described by its name, revision, size and device', async () => {
  const model = await embedder.open(BUILT_IN_MODEL, medium);
  expect(model).toEqual({
    name: BUILT_IN_FOLDERS.image,
    revision: expect.stringMatching(/^[0-9a-f]{12}$/),
    key: `${BUILT_IN_FOLDERS.image}@${model.revision}`,
    dim: 578,
    batchSize: 32,
    device: 'cpu',
    devices: 1,
    text: false,
  });
});

test.each([
  'model.onnx',
  'onnx/model.onnx',
  'vision_model.onnx',
  'onnx/vision_model.onnx',
  'onnx/model_quantized.onnx',
])('%s is found as the graph', async (file) => {
  const model = await writeModel(join(folder, 'layouts', file.replaceAll('/', '-')), ECHO, RAW_4X4, file);
  expect((await findModel(model, medium.models)).graphFile).toBe(join(model, file));
});

test('the vision part goes before the whole of a model of two', async () => {
  const model = await writeModel(join(folder, 'clip'), ECHO, RAW_4X4, 'onnx/vision_model.onnx');
  await writeFile(join(model, 'onnx', 'model.onnx'), 'text and vision');
  expect((await findModel(model, medium.models)).graphFile).toBe(join(model, 'onnx', 'vision_model.onnx'));
});

test('a model is found by org/name below the model folders', async () => {
  await writeModel(join(folder, 'some-org', 'some-model'), ECHO, RAW_4X4);
  expect(await embedder.open('some-org/some-model', medium)).toMatchObject({ name: 'some-org/some-model', dim: 48 });
});

test.each(['nowhere', 'no/where', '../models', 'a/../b', '', '/nowhere/at/all'])(
  'the name %j is not found, and the error names it',
  async (name) => {
    const opened = embedder.open(name, medium);
    await expect(opened).rejects.toMatchObject({
      code: 'ModelNotFound',
      message: expect.stringContaining(`"${name}"`),
    });
    await expect(opened).rejects.toBeInstanceOf(UserError);
  },
);

test('other weights are another revision, the same content elsewhere is the same', async () => {
  const one = await writeModel(join(folder, 'one'), ECHO, RAW_4X4);
  const copy = await writeModel(join(folder, 'copy'), ECHO, RAW_4X4);
  const other = await writeModel(join(folder, 'other'), echoGraph('uint8', ['batch', 4, 4, 3], 'vector'), RAW_4X4);
  const revisions = await Promise.all(
    [one, copy, other].map(async (model) => (await embedder.open(model, medium)).revision),
  );
  expect(revisions[1]).toBe(revisions[0]);
  expect(revisions[2]).not.toBe(revisions[0]);
});

test('weights in a file beside the graph belong to the revision', async () => {
  const model = await writeModel(join(folder, 'external'), await graphWithExternalWeight('weights.bin'), RAW_4X4);
  await writeFile(join(model, 'weights.bin'), new Float32Array([2, 3]));
  expect(await externalWeightFiles(join(model, 'model.onnx'))).toEqual([join(model, 'weights.bin')]);
  const before = await embedder.open(model, medium);
  await writeFile(join(model, 'weights.bin'), new Float32Array([2, 4]));
  const after = await embedder.open(model, medium);
  expect(after.revision).not.toBe(before.revision);
});

test('a key holds the model to its revision', async () => {
  const model = await writeModel(join(folder, 'pinned'), ECHO, RAW_4X4);
  const { key } = await embedder.open(model, medium);
  const path = join(folder, 'pinned.png');
  const pixels = await writePng(path, 1);
  const [outcome] = await embedder.embed(key, medium, [{ path }]);
  const content = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  expect(outcome).toEqual({ vector: unit(pixels), content });

  await writeModel(model, echoGraph('uint8', ['batch', 4, 4, 3], 'vector'), RAW_4X4);
  await expect(embedder.embed(key, medium, [{ path }])).rejects.toMatchObject({ code: 'ModelChanged' });
});

test('a model that was mended is taken without a restart', async () => {
  const model = await writeModel(join(folder, 'mended'), 'broken', RAW_4X4);
  await expect(embedder.open(model, medium)).rejects.toMatchObject({ code: 'ModelInvalid' });
  await writeModel(model, ECHO, RAW_4X4);
  expect(await embedder.open(model, medium)).toMatchObject({ dim: 48 });
});

const clip = () => {
  const graph = createGraph({ name: 'clip' });
  graph.input('input_ids', 'int64', ['batch', 'sequence']);
  const pixels = graph.input('pixel_values', 'float32', ['batch', 3, 4, 4]);
  graph.apply('Flatten', [pixels], { axis: 1 }, 'image_embeds');
  graph.output('image_embeds', 'float32', ['batch', 48]);
  return graph.encode();
};

const twoVectors = () => {
  const graph = createGraph({ name: 'two' });
  const pixels = graph.input('pixels', 'float32', ['batch', 3, 4, 4]);
  for (const name of ['this', 'that']) {
    graph.apply('Flatten', [pixels], { axis: 1 }, name);
    graph.output(name, 'float32', ['batch', 48]);
  }
  return graph.encode();
};

const flatInput = () => graphOf('float32', ['batch', 48], (_, pixels) => pixels);
const NORMALIZED = { ...RAW_4X4, do_rescale: true };

test.each([
  { what: 'a graph that is no ONNX', graph: 'not onnx', config: RAW_4X4, says: 'model.onnx' },
  { what: 'a graph cut short', graph: ECHO.subarray(0, 60), config: RAW_4X4, says: 'model.onnx' },
  { what: 'a config that is no JSON', graph: ECHO, config: '{"size"', says: 'preprocessor_config.json' },
  { what: 'a config without a size', graph: ECHO, config: { do_rescale: false }, says: 'size' },
  { what: 'a size with a longest edge', graph: ECHO, config: { ...RAW_4X4, size: { longest_edge: 4 } }, says: 'size' },
  { what: 'padding', graph: ECHO, config: { ...RAW_4X4, do_pad: true }, says: 'do_pad' },
  { what: 'no resizing', graph: ECHO, config: { ...RAW_4X4, do_resize: false }, says: 'do_resize' },
  { what: 'a crop percentage', graph: ECHO, config: { ...RAW_4X4, crop_pct: 0.9 }, says: 'crop_pct' },
  { what: 'an unknown filter', graph: ECHO, config: { ...RAW_4X4, resample: 5 }, says: 'resample' },
  {
    what: 'a crop larger than the picture',
    graph: ECHO,
    config: { ...RAW_4X4, do_center_crop: true, crop_size: 8 },
    says: 'crop_size',
  },
  {
    what: 'a mean without a spread',
    graph: ECHO,
    config: { ...RAW_4X4, do_normalize: true, image_mean: [0, 0, 0] },
    says: 'image_std',
  },
  { what: 'a mean of one channel', graph: ECHO, config: { ...RAW_4X4, image_mean: [0] }, says: 'image_mean' },
  { what: 'normalised bytes', graph: ECHO, config: NORMALIZED, says: 'do_rescale' },
  {
    what: 'another size than the graph',
    graph: ECHO,
    config: { ...RAW_4X4, size: { height: 4, width: 5 } },
    says: '5x4',
  },
  { what: 'a graph that wants text', graph: clip(), config: NORMALIZED, says: 'vision_model.onnx' },
  { what: 'a graph without an image input', graph: flatInput(), config: NORMALIZED, says: 'four dimensions' },
  { what: 'two outputs that could be it', graph: twoVectors(), config: NORMALIZED, says: '"that"' },
  {
    what: 'an image of one channel',
    graph: echoGraph('float32', ['batch', 1, 4, 4]),
    config: NORMALIZED,
    says: 'channels',
  },
  { what: 'input of int32', graph: echoGraph('int32', ['batch', 3, 4, 4]), config: NORMALIZED, says: 'int32' },
])('$what is an invalid model, and the error says "$says"', async ({ what, graph, config, says }) => {
  const model = await writeModel(join(folder, what), graph, config);
  const error = await embedder.open(model, medium).catch((error: unknown) => error);
  expect(error).toMatchObject({ code: 'ModelInvalid', message: expect.stringContaining(says) });
});

test('weights that are missing beside the graph are an invalid model', async () => {
  const model = await writeModel(join(folder, 'no-weights'), await graphWithExternalWeight('gone.bin'), RAW_4X4);
  await expect(embedder.open(model, medium)).rejects.toMatchObject({
    code: 'ModelInvalid',
    message: expect.stringContaining('gone.bin'),
  });
});

test('a folder without a graph or without a config is an invalid model', async () => {
  const empty = join(folder, 'empty');
  await mkdir(empty);
  await expect(embedder.open(empty, medium)).rejects.toMatchObject({
    code: 'ModelInvalid',
    message: expect.stringContaining('preprocessor_config.json'),
  });
  const complete = await writeModel(join(folder, 'complete'), ECHO, RAW_4X4);
  await copyFile(join(complete, 'preprocessor_config.json'), join(empty, 'preprocessor_config.json'));
  await expect(embedder.open(empty, medium)).rejects.toMatchObject({ code: 'ModelInvalid' });
  await copyFile(join(complete, 'model.onnx'), join(empty, 'a.onnx'));
  await copyFile(join(complete, 'model.onnx'), join(empty, 'b.onnx'));
  await expect(embedder.open(empty, medium)).rejects.toMatchObject({ message: expect.stringContaining('b.onnx') });
});

test('an empty graph file is an invalid model', async () => {
  const model = await writeModel(join(folder, 'truncated'), ECHO, RAW_4X4);
  await truncate(join(model, 'model.onnx'), 0);
  await expect(embedder.open(model, medium)).rejects.toMatchObject({ code: 'ModelInvalid' });
});

test('a GPU that is asked for and not there is an error that says what to do', async () => {
  vi.stubEnv('PLIMSOLL_CUDA', join(folder, 'no-cuda'));
  const onGpu = createEmbedder({ devices: [{ type: 'cuda', index: 99 }] });
  try {
    const error = await onGpu.open(BUILT_IN_MODEL, medium).catch((error: unknown) => error);
    expect(error).toMatchObject({
      code: 'DeviceUnavailable',
      message: expect.stringMatching(
        /cuda:99[\s\S]*the CUDA libraries are not in [\s\S]*plimsoll install-cuda[\s\S]*PLIMSOLL_DEVICE=cpu/,
      ),
    });
  } finally {
    await onGpu.close();
    vi.unstubAllEnvs();
  }
});

test('settings come from the environment, and a wrong one is named', () => {
  const settings = settingsFromEnvironment({
    PLIMSOLL_DEVICE: 'cuda:1',
    PLIMSOLL_MODELS: '/models:/more',
    PLIMSOLL_CACHE: '/cache',
    PLIMSOLL_BATCH_SIZE: '7',
  });
  expect(settings).toMatchObject({
    devices: [{ type: 'cuda', index: 1 }],
    modelFolders: ['/models', '/more', '/cache/models'],
    batchSize: 7,
  });
  expect(() => settingsFromEnvironment({ PLIMSOLL_DEVICE: 'gpu' })).toThrow(/PLIMSOLL_DEVICE is "gpu"/);
  expect(() => settingsFromEnvironment({ PLIMSOLL_BATCH_SIZE: '0' })).toThrow(/PLIMSOLL_BATCH_SIZE/);
});

/** A graph that multiplies by a weight of two floats in `file`, which is not written. */
async function graphWithExternalWeight(file: string): Promise<Uint8Array> {
  const graph = createGraph({ name: 'external' });
  const pixels = graph.input('pixels', 'uint8', ['batch', 4, 4, 3]);
  const flat = graph.apply('Flatten', [graph.apply('Cast', [pixels], { to: 1 })], { axis: 1 });
  const pairs = graph.apply('Reshape', [flat, graph.constant('int64', [2], [-1, 2])]);
  const scaled = graph.apply('Mul', [pairs, graph.externalConstant('float32', [2], file)]);
  graph.apply('Reshape', [scaled, graph.constant('int64', [2], [-1, 48])], {}, 'embeddings');
  graph.output('embeddings', 'float32', ['batch', 48]);
  return graph.encode();
}
