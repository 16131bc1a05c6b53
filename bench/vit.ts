/**
 * Writes a model folder with a vision transformer of the size of CLIP's ViT-B/32. Its weights are random, because the
 * cost of inference does not depend on them.
 *
 *     node bench/vit.ts FOLDER [float32|float16]
 */
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { createGraph, type GraphBuilder, type ValueName } from '../scripts/onnx.ts';

const IMAGE = 224;
const PATCH = 32;
const WIDTH = 768;
const LAYERS = 12;
const HEADS = 12;
const MLP_WIDTH = 3072;
const PROJECTION = 512;
const TOKENS = (IMAGE / PATCH) ** 2 + 1;
const HEAD_WIDTH = WIDTH / HEADS;

const SEED = 1;
const VERSION = 2;

/** CLIP's preparation of images. */
const PREPROCESSING = {
  do_resize: true,
  size: { shortest_edge: IMAGE },
  resample: 3,
  do_center_crop: true,
  crop_size: { height: IMAGE, width: IMAGE },
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};

type Precision = 'float32' | 'float16';

/** The names of transformers.js. Both take and give float32, as its graphs of fp16 do. */
const GRAPHS: Record<Precision, string> = { float32: 'vision_model.onnx', float16: 'vision_model_fp16.onnx' };

/** Returns the model's folder below `cacheDir`, and writes its graph (350 MB, half of it as fp16) if it does not exist. */
export async function makeVitModel(cacheDir: string, precision: Precision = 'float32'): Promise<string> {
  const folder = join(cacheDir, `random-vit-b-32-v${VERSION}`);
  const marker = join(folder, 'preprocessor_config.json');
  const graphFile = join(folder, 'onnx', GRAPHS[precision]);
  const hasGraph = await access(graphFile).then(
    () => true,
    () => false,
  );
  if (hasGraph && (await readFile(marker).catch(() => undefined))) return folder;
  await mkdir(join(folder, 'onnx'), { recursive: true });
  await writeFile(`${graphFile}.part`, buildVit(precision));
  await rename(`${graphFile}.part`, graphFile);
  await writeFile(marker, `${JSON.stringify(PREPROCESSING, null, 2)}\n`);
  return folder;
}

function buildVit(precision: Precision): Uint8Array {
  const graph = floatsAs(precision, createGraph({ name: 'random-vit-b-32' }));
  const random = randomWeights(graph);
  const values = graph.input('pixel_values', 'float32', ['batch', 3, IMAGE, IMAGE]);
  const pixels = precision === 'float32' ? values : graph.apply('Cast', [values], { to: FLOAT16 });

  const patches = graph.apply('Conv', [pixels, random([WIDTH, 3, PATCH, PATCH])], {
    kernel_shape: [PATCH, PATCH],
    strides: [PATCH, PATCH],
  });
  const sequence = graph.apply('Transpose', [reshape(graph, patches, [0, WIDTH, TOKENS - 1])], { perm: [0, 2, 1] });
  let tokens = graph.apply('Add', [withClassToken(graph, sequence, random), random([1, TOKENS, WIDTH])]);
  tokens = layerNorm(graph, tokens);
  for (let layer = 0; layer < LAYERS; layer++) {
    tokens = graph.apply('Add', [tokens, attention(graph, layerNorm(graph, tokens), random)]);
    tokens = graph.apply('Add', [tokens, perceptron(graph, layerNorm(graph, tokens), random)]);
  }
  const first = graph.apply('Gather', [layerNorm(graph, tokens), graph.constant('int64', [], [0])], { axis: 1 });
  const projected = graph.apply('MatMul', [first, random([WIDTH, PROJECTION])]);
  graph.apply('Cast', [projected], { to: FLOAT32 }, 'image_embeds');
  graph.output('image_embeds', 'float32', ['batch', PROJECTION]);
  return graph.encode();
}

const FLOAT32 = 1;
const FLOAT16 = 10;

/** The same builder, whose constants of floats have this precision. */
function floatsAs(precision: Precision, graph: GraphBuilder): GraphBuilder {
  return {
    ...graph,
    constant: (type, shape, values) => graph.constant(type === 'float32' ? precision : type, shape, values),
  };
}

type RandomWeights = (shape: readonly number[]) => ValueName;

/** Uniform weights with a spread that keeps activations in range through the layers. */
function randomWeights(graph: GraphBuilder): RandomWeights {
  let state = Math.imul(SEED, 0x9e3779b1) | 1;
  return (shape) => {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    for (let i = 0; i < values.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      values[i] = state * 2 ** -31 * 0.04;
    }
    return graph.constant('float32', shape, values);
  };
}

function withClassToken(graph: GraphBuilder, sequence: ValueName, random: RandomWeights): ValueName {
  const batch = graph.apply('Shape', [sequence], { start: 0, end: 1 });
  const shape = graph.apply('Concat', [batch, graph.constant('int64', [2], [1, WIDTH])], { axis: 0 });
  return graph.apply('Concat', [graph.apply('Expand', [random([1, 1, WIDTH]), shape]), sequence], { axis: 1 });
}

function attention(graph: GraphBuilder, tokens: ValueName, random: RandomWeights): ValueName {
  const heads = (perm: readonly number[]) =>
    graph.apply('Transpose', [reshape(graph, linear(graph, tokens, WIDTH, WIDTH, random), [0, 0, HEADS, HEAD_WIDTH])], {
      perm,
    });
  const [queries, keys, values] = [heads([0, 2, 1, 3]), heads([0, 2, 3, 1]), heads([0, 2, 1, 3])];
  const scale = graph.constant('float32', [], [1 / Math.sqrt(HEAD_WIDTH)]);
  const scores = graph.apply('Mul', [graph.apply('MatMul', [queries, keys]), scale]);
  const mixed = graph.apply('MatMul', [graph.apply('Softmax', [scores], { axis: -1 }), values]);
  const joined = reshape(graph, graph.apply('Transpose', [mixed], { perm: [0, 2, 1, 3] }), [0, 0, WIDTH]);
  return linear(graph, joined, WIDTH, WIDTH, random);
}

function perceptron(graph: GraphBuilder, tokens: ValueName, random: RandomWeights): ValueName {
  return linear(graph, gelu(graph, linear(graph, tokens, WIDTH, MLP_WIDTH, random)), MLP_WIDTH, WIDTH, random);
}

function linear(graph: GraphBuilder, value: ValueName, from: number, to: number, random: RandomWeights): ValueName {
  return graph.apply('Add', [graph.apply('MatMul', [value, random([from, to])]), random([to])]);
}

function gelu(graph: GraphBuilder, value: ValueName): ValueName {
  const scalar = (number: number) => graph.constant('float32', [], [number]);
  const erf = graph.apply('Erf', [graph.apply('Div', [value, scalar(Math.SQRT2)])]);
  return graph.apply('Mul', [graph.apply('Mul', [value, graph.apply('Add', [erf, scalar(1)])]), scalar(0.5)]);
}

function layerNorm(graph: GraphBuilder, value: ValueName): ValueName {
  const scale = graph.constant('float32', [WIDTH], new Float32Array(WIDTH).fill(1));
  const bias = graph.constant('float32', [WIDTH], new Float32Array(WIDTH));
  return graph.apply('LayerNormalization', [value, scale, bias], { axis: -1, epsilon: { float: 1e-5 } });
}

/** 0 keeps a dimension as it is. */
function reshape(graph: GraphBuilder, value: ValueName, shape: readonly number[]): ValueName {
  return graph.apply('Reshape', [value, graph.constant('int64', [shape.length], shape)]);
}

if (import.meta.main) {
  const [cacheDir, precision] = process.argv.slice(2);
  if (cacheDir === undefined || !(precision === undefined || precision === 'float32' || precision === 'float16')) {
    console.error('usage: node bench/vit.ts FOLDER [float32|float16]');
    process.exit(2);
  }
  process.stdout.write(`${await makeVitModel(cacheDir, precision)}\n`);
}
