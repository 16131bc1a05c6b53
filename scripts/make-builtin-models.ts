/**
 * Writes the built-in models below `models`. They have no learned weights.
 *
 *     node scripts/make-builtin-models.ts [FOLDER]
 *
 * `hashed-words`, for texts, scales features that core/media/documents/hashed-words.ts computes.
 *
 * `color-gradient-grid`, for images, computes classic global descriptors:
 * - colour layout: the mean of brightness and of two opponent colours in each cell of an 8 x 8 grid (as MPEG-7's colour
 *   layout);
 * - gradients: energy in eight directions over a 4 x 4 grid at three scales, as GIST (Oliva and Torralba, 2001,
 *   "Modeling the shape of the scene") and HOG (Dalal and Triggs, 2005, "Histograms of oriented gradients for human
 *   detection") do. The square root of the histograms, as in RootSIFT (Arandjelović and Zisserman, 2012), keeps strong
 *   edges from dominating.
 *
 * Brightness is relative to the image's own mean and spread, so that a brighter copy gets the same vector. Cells
 * overlap, so that a small crop changes little. The model finds altered copies and pictures with similar layout and
 * colour. It does not recognise what they show.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { BUILT_IN_FOLDERS } from '../contract/built-in-model.ts';
import { HASHED_WORDS } from '../core/media/documents/preparation.ts';
import { createGraph, type GraphBuilder, type ValueName } from './onnx.ts';

const SIZE = 128;
const DIRECTIONS = 8;
const COLOR_GRID = 8;
const GRADIENT_GRID = 4;
const SCALES = 3;
/** Weight of each part: its approximate length in the vector of a varied picture. */
const WEIGHTS = { brightness: 1, color: 2, gradients: 1, mean: 0.2 };

const DIM = 3 * COLOR_GRID ** 2 + SCALES * DIRECTIONS * GRADIENT_GRID ** 2 + 2;

const FLOAT = 1;

export function buildBuiltinGraph(): Uint8Array {
  const graph = createGraph({ name: 'color-gradient-grid' });
  const pixels = graph.input('pixel_values', 'uint8', ['batch', SIZE, SIZE, 3]);
  const planes = graph.apply('Transpose', [graph.apply('Cast', [pixels], { to: FLOAT })], { perm: [0, 3, 1, 2] });

  const opponents = graph.apply('Conv', [planes, graph.constant('float32', [3, 3, 1, 1], OPPONENT_COLORS)]);
  const [brightness, color] = [slice(graph, opponents, 0, 1), slice(graph, opponents, 1, 3)];
  const mean = graph.apply('ReduceMean', [brightness], { axes: [1, 2, 3], keepdims: 1 });
  const relative = standardized(graph, brightness, mean);

  const parts = [
    colorLayout(graph, relative, WEIGHTS.brightness),
    colorLayout(graph, chromaticity(graph, color, mean), WEIGHTS.color),
    ...gradientParts(graph, relative),
    meanPart(graph, mean),
  ];
  graph.apply('LpNormalization', [graph.apply('Concat', parts, { axis: 1 })], { axis: 1, p: 2 }, 'embeddings');
  graph.output('embeddings', 'float32', ['batch', DIM]);
  return graph.encode();
}

/** Brightness, red against green, blue against yellow: rows of a matrix over R, G, B, per 255. */
const OPPONENT_COLORS = [0.299, 0.587, 0.114, 0.5, -0.5, 0, -0.25, -0.25, 0.5].map((weight) => weight / 255);

function slice(graph: GraphBuilder, value: ValueName, from: number, to: number): ValueName {
  const ints = (n: number) => graph.constant('int64', [1], [n]);
  return graph.apply('Slice', [value, ints(from), ints(to), ints(1)]);
}

/**
 * Subtracts the mean and divides by the spread. The spread is kept above 0, so an image of one colour gives about 0.
 */
function standardized(graph: GraphBuilder, brightness: ValueName, mean: ValueName): ValueName {
  const centered = graph.apply('Sub', [brightness, mean]);
  const square = graph.apply('Mul', [centered, centered]);
  const variance = graph.apply('ReduceMean', [square], { axes: [1, 2, 3], keepdims: 1 });
  const spread = graph.apply('Sqrt', [graph.apply('Add', [variance, scalar(graph, 0.02 ** 2)])]);
  return graph.apply('Div', [centered, spread]);
}

/** Colour relative to the image's brightness. Unlike brightness, its mean is kept, as light hardly changes it. */
function chromaticity(graph: GraphBuilder, color: ValueName, mean: ValueName): ValueName {
  return graph.apply('Div', [color, graph.apply('Add', [mean, scalar(graph, 0.1)])]);
}

function colorLayout(graph: GraphBuilder, value: ValueName, weight: number): ValueName {
  const layout = flat(graph, gridMeans(graph, value, SIZE, COLOR_GRID));
  return graph.apply('Mul', [layout, scalar(graph, weight / COLOR_GRID)]);
}

/** Distinguishes pictures of a single grey, for which all other parts are zero. Keeps the vector from being zero. */
function meanPart(graph: GraphBuilder, mean: ValueName): ValueName {
  const light = graph.apply('Flatten', [mean], { axis: 1 });
  const dark = graph.apply('Sub', [scalar(graph, 1), light]);
  return graph.apply('Mul', [graph.apply('Concat', [light, dark], { axis: 1 }), scalar(graph, WEIGHTS.mean)]);
}

function scalar(graph: GraphBuilder, value: number): ValueName {
  return graph.constant('float32', [1], [value]);
}

/** Means over a grid of cells, each twice as wide as the grid's step, so that neighbours overlap by half. */
function gridMeans(graph: GraphBuilder, value: ValueName, size: number, cells: number): ValueName {
  const step = size / cells;
  return graph.apply('AveragePool', [value], {
    kernel_shape: [2 * step, 2 * step],
    strides: [step, step],
    pads: [step / 2, step / 2, step / 2, step / 2],
    count_include_pad: 0,
  });
}

function gradientParts(graph: GraphBuilder, brightness: ValueName): ValueName[] {
  const kernels = graph.constant('float32', [DIRECTIONS, 1, 3, 3], directionalDerivatives());
  const parts: ValueName[] = [];
  let level = brightness;
  for (let size = SIZE; size > SIZE / 2 ** SCALES; size /= 2) {
    if (size < SIZE) level = graph.apply('AveragePool', [level], { kernel_shape: [2, 2], strides: [2, 2] });
    // Repeat the picture's rim. Zero padding would make its border an edge.
    const padded = graph.apply('Pad', [level, graph.constant('int64', [8], [0, 0, 1, 1, 0, 0, 1, 1])], {
      mode: 'edge',
    });
    const energy = graph.apply('Relu', [graph.apply('Conv', [padded, kernels])]);
    const histogram = flat(graph, gridMeans(graph, energy, size, GRADIENT_GRID));
    parts.push(rootNormalized(graph, histogram, WEIGHTS.gradients));
  }
  return parts;
}

/** The square root of a histogram, scaled to the length `weight`, or less if there are hardly any gradients. */
function rootNormalized(graph: GraphBuilder, histogram: ValueName, weight: number): ValueName {
  const root = graph.apply('Sqrt', [histogram]);
  const length = graph.apply('ReduceL2', [root], { axes: [1], keepdims: 1 });
  const bounded = graph.apply('Max', [length, scalar(graph, 0.5)]);
  return graph.apply('Mul', [graph.apply('Div', [root, bounded]), scalar(graph, weight)]);
}

/** Sobel derivatives, rotated to each direction. */
function directionalDerivatives(): number[] {
  const across = [-1, 0, 1, -2, 0, 2, -1, 0, 1].map((weight) => weight / 8);
  const down = [-1, -2, -1, 0, 0, 0, 1, 2, 1].map((weight) => weight / 8);
  return Array.from({ length: DIRECTIONS }, (_, i) => (2 * Math.PI * i) / DIRECTIONS).flatMap((angle) =>
    across.map((weight, at) => round(weight * Math.cos(angle) + (down[at] as number) * Math.sin(angle))),
  );
}

/** Rounds a number, because sines differ in their last bits between platforms and the file must not. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function flat(graph: GraphBuilder, value: ValueName): ValueName {
  return graph.apply('Flatten', [value], { axis: 1 });
}

export const BUILTIN_PREPROCESSING = {
  do_resize: true,
  size: { height: SIZE, width: SIZE },
  resample: 2,
  do_center_crop: false,
  do_rescale: false,
  do_normalize: false,
};

const WORD_FEATURES = 512;

/** Scales the features to length 1. */
export function buildHashedWordsGraph(): Uint8Array {
  const graph = createGraph({ name: 'hashed-words' });
  const features = graph.input('features', 'float32', ['batch', WORD_FEATURES]);
  graph.apply('LpNormalization', [features], { axis: 1, p: 2 }, 'embeddings');
  graph.output('embeddings', 'float32', ['batch', WORD_FEATURES]);
  return graph.encode();
}

const HASHED_WORDS_TOKENIZER = { version: '1.0', model: { type: HASHED_WORDS, dim: WORD_FEATURES } };

async function writeModel(folder: string, graph: Uint8Array, files: Record<string, object>): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'model.onnx'), graph);
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
  process.stdout.write(`${folder}\n`);
}

if (import.meta.main) {
  const root = process.argv[2] ?? fileURLToPath(new URL('../models', import.meta.url));
  await writeModel(join(root, BUILT_IN_FOLDERS.image), buildBuiltinGraph(), {
    'preprocessor_config.json': BUILTIN_PREPROCESSING,
  });
  await writeModel(join(root, BUILT_IN_FOLDERS.text), buildHashedWordsGraph(), {
    'tokenizer.json': HASHED_WORDS_TOKENIZER,
    'tokenizer_config.json': {},
  });
}
