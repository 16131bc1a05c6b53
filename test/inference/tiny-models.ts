import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import {
  createGraph,
  type Dimension,
  type ElementType,
  type GraphBuilder,
  type ValueName,
} from '../../scripts/onnx.ts';

/** Raw pixels of 4 x 4, squeezed: the preprocessing of most tiny models. */
export const RAW_4X4 = {
  do_resize: true,
  size: { height: 4, width: 4 },
  resample: 0,
  do_rescale: false,
  do_normalize: false,
};

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'plimsoll-inference-'));
}

/** Writes a model folder and returns its path. */
export async function writeModel(
  folder: string,
  graph: Uint8Array | string,
  preprocessing: unknown,
  graphFile = 'model.onnx',
): Promise<string> {
  await mkdir(dirname(join(folder, graphFile)), { recursive: true });
  await writeFile(join(folder, graphFile), graph);
  const text = typeof preprocessing === 'string' ? preprocessing : JSON.stringify(preprocessing);
  await writeFile(join(folder, 'preprocessor_config.json'), text);
  return folder;
}

/** A graph whose vector is its flattened input, so the vector shows the input. */
export function echoGraph(type: ElementType, shape: readonly Dimension[], outputName = 'embeddings'): Uint8Array {
  return graphOf(type, shape, (graph, pixels) => graph.apply('Flatten', [pixels], { axis: 1 }), outputName);
}

/** A graph from one image input to one vector; `body` gets the input as float32. */
export function graphOf(
  type: ElementType,
  shape: readonly Dimension[],
  body: (graph: GraphBuilder, pixels: ValueName) => ValueName,
  outputName = 'embeddings',
): Uint8Array {
  const graph = createGraph({ name: 'tiny' });
  const pixels = graph.input('pixels', type, shape);
  const vector = body(graph, graph.apply('Cast', [pixels], { to: 1 }));
  graph.apply('Identity', [vector], {}, outputName);
  graph.output(outputName, 'float32', [shape[0] as Dimension, 'dim']);
  return graph.encode();
}

/** The weights of `projectionGraph`, [48, PROJECTED], between -1 and 1. */
export const PROJECTED = 16;
export const PROJECTION = Float32Array.from({ length: 48 * PROJECTED }, (_, i) => Math.sin(i * 12.9898));

/**
 * A projection of an image's 48 numbers, each from -1 to 1, as the variants of a model compute it: fp16 takes, computes
 * and gives halves; q8 takes and gives float32, and multiplies bytes by bytes.
 */
export function projectionGraph(dtype: 'fp32' | 'fp16' | 'q8'): Uint8Array {
  const type = dtype === 'fp16' ? 'float16' : 'float32';
  const graph = createGraph({ name: `projection-${dtype}` });
  const pixels = graph.input('pixel_values', type, ['batch', 3, 4, 4]);
  const flat = graph.apply('Flatten', [pixels], { axis: 1 });
  const shape = [48, PROJECTED];
  if (dtype === 'q8') {
    const scale = graph.constant('float32', [], [1 / 127]);
    const zero = graph.constant('uint8', [], [128]);
    const bytes = graph.apply('QuantizeLinear', [flat, scale, zero]);
    const weights = graph.constant(
      'int8',
      shape,
      PROJECTION.map((value) => Math.round(value * 127)),
    );
    const sums = graph.apply('Cast', [graph.apply('MatMulInteger', [bytes, weights, zero])], { to: 1 });
    graph.apply('Mul', [sums, graph.constant('float32', [], [1 / 127 ** 2])], {}, 'image_embeds');
  } else graph.apply('MatMul', [flat, graph.constant(type, shape, PROJECTION)], {}, 'image_embeds');
  graph.output('image_embeds', type, ['batch', PROJECTED]);
  return graph.encode();
}

/** The config of `projectionGraph`. */
export const FROM_MINUS_1_TO_1 = {
  ...RAW_4X4,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
};

/** Adds to each image's flattened pixels the sum of many multiplications that cost time and change nothing. */
export function slowGraph(multiplications: number): Uint8Array {
  return graphOf('uint8', ['batch', 4, 4, 3], (graph, pixels) => {
    const flat = graph.apply('Flatten', [pixels], { axis: 1 });
    const size = 1024;
    const wide = graph.apply('MatMul', [flat, graph.constant('float32', [48, size], filled(48 * size, 1e-3))]);
    const square = graph.constant('float32', [size, size], filled(size * size, 1 / size));
    const many = graph.apply('Expand', [
      graph.apply('Unsqueeze', [wide, graph.constant('int64', [1], [1])]),
      graph.constant('int64', [3], [1, 64, 1]),
    ]);
    let value = many;
    for (let i = 0; i < multiplications; i++) value = graph.apply('MatMul', [value, square]);
    const mean = graph.apply('ReduceMean', [value], { axes: [1, 2], keepdims: 0 });
    const nothing = graph.apply('Mul', [mean, graph.constant('float32', [1], [0])]);
    return graph.apply('Add', [flat, graph.apply('Unsqueeze', [nothing, graph.constant('int64', [1], [1])])]);
  });
}

/**
 * A graph that kills its process when an image is all black. It divides the least int32 by -1, which overflows. x86
 * processors answer that with a trap (SIGFPE) that ONNX Runtime does not catch.
 */
export function lethalGraph(): Uint8Array {
  return graphOf('uint8', ['batch', 4, 4, 3], (graph, pixels) => {
    const flat = graph.apply('Flatten', [pixels], { axis: 1 });
    const brightest = graph.apply('Cast', [graph.apply('ReduceMax', [flat], { axes: [1], keepdims: 1 })], { to: 6 });
    const divisor = graph.apply('Sub', [brightest, graph.constant('int32', [1], [1])]);
    const quotient = graph.apply('Div', [graph.constant('int32', [1], [-(2 ** 31)]), divisor]);
    return graph.apply('Concat', [flat, graph.apply('Cast', [quotient], { to: 1 })], { axis: 1 });
  });
}

/**
 * Writes a PNG of 4 x 4 different pixels, from `seed` on. It is lossless, so vectors can be computed by hand.
 */
export async function writePng(path: string, seed: number): Promise<Uint8Array> {
  const pixels = Uint8Array.from({ length: 48 }, (_, i) => ((seed + 1) * 37 + i * 5) % 256);
  await writePixels(path, pixels);
  return pixels;
}

export async function writePixels(path: string, pixels: Uint8Array): Promise<void> {
  await sharp(pixels, { raw: { width: 4, height: 4, channels: 3 } })
    .png()
    .toFile(path);
}

/** Scaled to length 1. */
export function unit(values: ArrayLike<number>): Float32Array {
  const vector = Float32Array.from(values);
  return vector.map((value) => value / Math.hypot(...vector));
}

function filled(length: number, value: number): Float32Array {
  return new Float32Array(length).fill(value);
}
