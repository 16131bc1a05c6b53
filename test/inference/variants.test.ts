import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import { DTYPE_SUFFIXES, type Dtype } from '../../contract/model-name.ts';
import type { EmbedItem, EmbedOutcome } from '../../core/embedding/embedder.ts';
import { documentsMedium } from '../../core/media/documents/medium.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import type { ModelSide } from '../../core/media/medium.ts';
import { findModel, findSide } from '../../core/models/find-model.ts';
import { floatFromHalf, halfFromFloat } from '../../core/models/half.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { createGraph } from '../../scripts/onnx.ts';
import { COLOURS, colourTextGraph, colourVisionGraph, makeColourWordsModel } from '../support/colour-words.ts';
import { codeOf } from './embedders.ts';
import {
  FROM_MINUS_1_TO_1,
  PROJECTED,
  PROJECTION,
  projectionGraph,
  temporaryFolder,
  unit,
  writeModel,
  writePixels,
  writePng,
} from './tiny-models.ts';

const medium = imagesMedium();
const text = medium.text as ModelSide;

let folder: string;
let embedder: InferenceEmbedder;

beforeAll(async () => {
  folder = await temporaryFolder();
  embedder = createEmbedder({ modelFolders: [folder], threads: 1 });
});

afterAll(async () => {
  await embedder.close();
  await rm(folder, { recursive: true });
});

const fileOf = (stem: string, dtype: Dtype) => `onnx/${stem}${DTYPE_SUFFIXES[dtype]}.onnx`;
const modelWith = async (name: string, graphs: Readonly<Record<string, Uint8Array | string>>) => {
  for (const [file, graph] of Object.entries(graphs))
    await writeModel(join(folder, name), graph, FROM_MINUS_1_TO_1, file);
  return name;
};
const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

function vectorOf(outcome: EmbedOutcome | undefined): Float32Array {
  if (outcome === undefined || !('vector' in outcome)) throw new Error(`no vector: ${JSON.stringify(outcome)}`);
  return outcome.vector;
}

async function embedWith(model: string, item: EmbedItem): Promise<Float32Array> {
  return vectorOf((await embedder.embed(model, medium, [item]))[0]);
}

/** The projection of pixels, computed in doubles, with each number first rounded by `round`. */
function projected(pixels: Uint8Array, round: (value: number) => number): Float32Array {
  const planes = [0, 1, 2].flatMap((channel) =>
    Array.from({ length: 16 }, (_, i) => round((pixels[3 * i + channel] as number) / 127.5 - 1)),
  );
  const sumOf = (column: number) =>
    planes.reduce((sum, value, row) => sum + value * round(PROJECTION[row * PROJECTED + column] as number), 0);
  return unit(Array.from({ length: PROJECTED }, (_, column) => sumOf(column)));
}

describe('the variants of a model', () => {
  const halved = (value: number) => floatFromHalf(halfFromFloat(value));
  const toByte = (value: number) => Math.round(value * 127) / 127;
  let name: string;
  beforeAll(async () => {
    name = await modelWith('projection', {
      [fileOf('model', 'fp32')]: projectionGraph('fp32'),
      [fileOf('model', 'fp16')]: projectionGraph('fp16'),
      [fileOf('model', 'q8')]: projectionGraph('q8'),
    });
  });

  test('have keys of their own, and vectors of the same length', async () => {
    const models = await Promise.all(['', ':fp16', ':q8'].map((variant) => embedder.open(name + variant, medium)));
    expect(models.map((model) => model.key)).toEqual([
      expect.stringMatching(/^projection@[0-9a-f]{12}$/),
      expect.stringMatching(/^projection:fp16@[0-9a-f]{12}$/),
      expect.stringMatching(/^projection:q8@[0-9a-f]{12}$/),
    ]);
    expect(new Set(models.map(({ revision }) => revision)).size).toBe(3);
    for (const model of models) expect(model).toMatchObject({ dim: PROJECTED });
    expect(await embedder.open(models[1]?.key ?? '', medium)).toEqual(models[1]);
    const byPath = await embedder.open(`${join(folder, name)}:fp16`, medium);
    expect(byPath.key).toBe(models[1]?.key);
  });

  test.each([
    ['fp32', Math.fround, 1e-6],
    ['fp16', halved, 1e-3],
    ['q8', toByte, 1e-3],
  ] as const)('%s computes in its precision', async (dtype, round, tolerance) => {
    const path = join(folder, `projected-${dtype}.png`);
    const pixels = await writePng(path, 5);
    const vector = await embedWith(`${name}:${dtype}`, { path });
    const expected = projected(pixels, round);
    for (const [i, value] of vector.entries())
      expect(Math.abs(value - (expected[i] as number))).toBeLessThan(tolerance);
  });

  test('are near each other, and not the same', async () => {
    const path = join(folder, 'near.png');
    await writePng(path, 11);
    const plain = await embedWith(name, { path });
    const half = await embedWith(`${name}:fp16`, { path });
    expect(half).not.toEqual(plain);
    expect(cosine(plain, half)).toBeGreaterThan(0.9999);
    expect(cosine(plain, await embedWith(`${name}:q8`, { path }))).toBeGreaterThan(0.999);
  });

  test('fp32 is the plain graph: it has the key of the name alone', async () => {
    expect((await embedder.open(`${name}:fp32`, medium)).key).toBe((await embedder.open(name, medium)).key);
  });
});

describe('the graph of a variant', () => {
  const GRAPH = projectionGraph('fp32');

  test.each(Object.entries(DTYPE_SUFFIXES) as [Dtype, string][])(
    '%s is named as transformers.js does',
    async (dtype, suffix) => {
      const name = await modelWith(`named-${dtype}`, {
        [`onnx/vision_model${suffix}.onnx`]: GRAPH,
        'onnx/model_other.onnx': GRAPH,
      });
      const { graphFile } = await findModel(`${name}:${dtype}`, medium.models, [folder]);
      expect(graphFile).toBe(join(folder, name, 'onnx', `vision_model${suffix}.onnx`));
    },
  );

  test('is never that of both parts if the folder has a vision part', async () => {
    const name = await modelWith('two-parts', {
      'onnx/vision_model.onnx': GRAPH,
      'onnx/model_fp16.onnx': GRAPH,
    });
    await expect(findModel(`${name}:fp16`, medium.models, [folder])).rejects.toMatchObject({
      code: 'ModelNotFound',
      message: expect.stringMatching(
        /no vision_model_fp16\.onnx in .*Variants that are there: fp32\. Put the file there/,
      ),
    });
  });

  test('that is missing is named, with the variants that are there and how to fetch it', async () => {
    const name = await modelWith('some-org/some-model', { 'model.onnx': GRAPH, 'onnx/model_quantized.onnx': GRAPH });
    await expect(embedder.open(`${name}:fp16`, medium)).rejects.toMatchObject({
      code: 'ModelNotFound',
      message: expect.stringContaining(
        'Variants that are there: fp32, q8. If the hub has it: plimsoll models fetch some-org/some-model --dtype fp16',
      ),
    });
    await expect(embedder.open('clip-vit-b32:q4', medium)).rejects.toThrow(
      'plimsoll models fetch clip-vit-b32 --dtype q4',
    );
  });

  test('of the built-in model does not exist', async () => {
    for (const name of [BUILT_IN_MODEL, 'color-gradient-grid'])
      await expect(embedder.open(`${name}:fp16`, medium)).rejects.toThrow('The built-in model has no others.');
    expect((await embedder.open(`${BUILT_IN_MODEL}:fp32`, medium)).key).toMatch(/^color-gradient-grid@/);
  });

  test('is asked for if several are there and none is the plain one; the only one is taken', async () => {
    const name = await modelWith('only-variants', { 'onnx/model_fp16.onnx': GRAPH });
    expect((await findModel(name, medium.models, [folder])).graphFile).toContain('model_fp16.onnx');
    await modelWith(name, { 'onnx/model_q4.onnx': GRAPH });
    await expect(findModel(name, medium.models, [folder])).rejects.toThrow('Or say which variant: only-variants:fp16.');
    await expect(findModel(`${name}:fp32`, medium.models, [folder])).rejects.toThrow('there is no model.onnx');
  });

  test('may have its weights beside it, which are part of its revision', async () => {
    const graph = createGraph({ name: 'external' });
    const pixels = graph.input('pixels', 'float16', ['batch', 3, 4, 4]);
    const flat = graph.apply('Flatten', [pixels], { axis: 1 });
    graph.apply('MatMul', [flat, graph.externalConstant('float16', [48, 2], 'model_fp16.onnx_data')], {}, 'embeddings');
    graph.output('embeddings', 'float16', ['batch', 2]);
    const name = await modelWith('external', { 'onnx/model_fp16.onnx': graph.encode() });
    const weights = (value: number) =>
      writeFile(
        join(folder, name, 'onnx', 'model_fp16.onnx_data'),
        Uint16Array.from({ length: 96 }, (_, i) => halfFromFloat(i % 2 ? 1 : value)),
      );
    await weights(3);
    const before = await embedder.open(`${name}:fp16`, medium);
    const path = join(folder, 'white.png');
    await writePixels(path, new Uint8Array(48).fill(255));
    const vector = await embedWith(`${name}:fp16`, { path });
    expect(cosine(vector, unit([3, 1]))).toBeCloseTo(1, 5);
    await weights(4);
    expect((await embedder.open(`${name}:fp16`, medium)).revision).not.toBe(before.revision);
  });

  test('that is added leaves the process of another variant alone', async () => {
    const name = await modelWith('in-use', { 'onnx/model.onnx': GRAPH });
    const path = join(folder, 'in-use.png');
    await writePng(path, 3);
    await using own = Object.assign(createEmbedder({ modelFolders: [folder], threads: 1 }), {
      [Symbol.asyncDispose]: () => own.close(),
    });
    await own.embed(name, medium, [{ path }]);
    const [pid] = own.childPids();
    await writeFile(join(folder, name, 'onnx', 'model_fp16.onnx'), projectionGraph('fp16'));
    expect(codeOf((await own.embed(name, medium, [{ path }]))[0] as EmbedOutcome)).toBe('vector');
    expect(own.childPids()).toEqual([pid]);
    await own.embed(`${name}:fp16`, medium, [{ path }]);
    expect(own.childPids()).toHaveLength(2);
  });

  test('of documents is found as that of images', async () => {
    const { models } = documentsMedium();
    const name = 'texts';
    await mkdir(join(folder, name, 'onnx'), { recursive: true });
    for (const file of ['tokenizer.json', 'tokenizer_config.json', 'onnx/model_quantized.onnx', 'onnx/model_fp16.onnx'])
      await writeFile(join(folder, name, file), '{}');
    const graphOf = async (asked: string) => (await findModel(asked, models, [folder])).graphFile;
    expect(await graphOf(`${name}:fp16`)).toContain('model_fp16.onnx');
    expect(await graphOf(`${name}:q8`)).toContain('model_quantized.onnx');
    // As ever: the quantised graph stands in for a plain one that is missing.
    expect(await graphOf(name)).toContain('model_quantized.onnx');
    await expect(graphOf(`${name}:fp32`)).rejects.toThrow('there is no model.onnx');
  });
});

describe('the text side of a variant', () => {
  let name: string;
  beforeAll(async () => {
    name = 'colours';
    await makeColourWordsModel(join(folder, name));
    await writeFile(join(folder, name, 'onnx', 'vision_model_fp16.onnx'), colourVisionGraph('float16'));
  });

  const sideOf = async (asked: string) =>
    (await findSide(await findModel(asked, medium.models, [folder]), text.models)).graphFile;

  test('is the plain one if it has no such variant', async () => {
    expect(await sideOf(`${name}:fp16`)).toContain('text_model.onnx');
    expect(await embedder.open(`${name}:fp16`, medium)).toMatchObject({ text: true });
    const plain = await embedWith(name, { text: 'a red one' });
    expect(await embedWith(`${name}:fp16`, { text: 'a red one' })).toEqual(plain);
  });

  test('has the variant of the model, and its halves are read as numbers', async () => {
    await writeFile(join(folder, name, 'onnx', 'text_model_fp16.onnx'), colourTextGraph('float16'));
    expect(await sideOf(`${name}:fp16`)).toContain('text_model_fp16.onnx');
    expect(await sideOf(name)).toContain('text_model.onnx');
    const another = createEmbedder({ modelFolders: [folder], threads: 1 });
    try {
      for (const [colour, [r, g, b]] of Object.entries(COLOURS)) {
        const pixels = Uint8Array.from({ length: 48 }, (_, i) => [r, g, b][i % 3] as number);
        const path = join(folder, `${colour}.png`);
        await writePixels(path, pixels);
        const items = [{ text: colour }, { path }];
        const halves = (await another.embed(`${name}:fp16`, medium, items)).map(vectorOf);
        const floats = (await another.embed(name, medium, items)).map(vectorOf);
        for (const [i, half] of halves.entries())
          expect(cosine(half, floats[i] as Float32Array), colour).toBeGreaterThan(0.99999);
        expect(cosine(halves[0] as Float32Array, halves[1] as Float32Array), colour).toBeGreaterThan(0.999);
      }
    } finally {
      await another.close();
    }
  });
});
