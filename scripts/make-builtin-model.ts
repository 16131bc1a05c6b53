/**
 * Makes the built-in model, `models/color-gradient-grid`: no learned weights, only statistics of colour and gradients over a grid.
 *
 *     node scripts/make-builtin-model.ts [FOLDER]
 *
 * What it computes, after classic global descriptors:
 * - colour layout: the mean of brightness and of two opponent colours in each cell of an 8 x 8 grid (as MPEG-7's colour layout);
 * - gradients: energy in eight directions over a 4 x 4 grid at three scales, as GIST (Oliva and Torralba, 2001, "Modeling the
 *   shape of the scene") and HOG (Dalal and Triggs, 2005, "Histograms of oriented gradients for human detection") have it, with
 *   the square root of histograms that RootSIFT takes (Arandjelović and Zisserman, 2012), so that no strong edge rules.
 *
 * Brightness is taken relative to the image's own mean and spread, so that a brighter copy stays what it was. Cells overlap, so
 * that a small crop moves little from one to the next. It finds altered copies and pictures that look alike in layout and
 * colour; it knows nothing of what they show.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { createGraph, type GraphBuilder, type ValueName } from './onnx.ts';

const SIZE = 128;
const DIRECTIONS = 8;
const COLOR_GRID = 8;
const GRADIENT_GRID = 4;
const SCALES = 3;
/** How much each part counts, as the length that it has, about, in the vector of a varied picture. */
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

/** Brightness, red against green, blue against yellow: per 255, rows of a matrix over R, G, B. */
const OPPONENT_COLORS = [0.299, 0.587, 0.114, 0.5, -0.5, 0, -0.25, -0.25, 0.5].map((weight) => weight / 255);

function slice(graph: GraphBuilder, value: ValueName, from: number, to: number): ValueName {
  const ints = (n: number) => graph.constant('int64', [1], [n]);
  return graph.apply('Slice', [value, ints(from), ints(to), ints(1)]);
}

/** Less its mean, divided by its spread: about zero for an image of one colour, since the spread is held above 0. */
function standardized(graph: GraphBuilder, brightness: ValueName, mean: ValueName): ValueName {
  const centered = graph.apply('Sub', [brightness, mean]);
  const square = graph.apply('Mul', [centered, centered]);
  const variance = graph.apply('ReduceMean', [square], { axes: [1, 2, 3], keepdims: 1 });
  const spread = graph.apply('Sqrt', [graph.apply('Add', [variance, scalar(graph, 0.02 ** 2)])]);
  return graph.apply('Div', [centered, spread]);
}

/** Colour relative to the image's brightness. Its mean is kept, unlike that of brightness: no change of light makes it. */
function chromaticity(graph: GraphBuilder, color: ValueName, mean: ValueName): ValueName {
  return graph.apply('Div', [color, graph.apply('Add', [mean, scalar(graph, 0.1)])]);
}

function colorLayout(graph: GraphBuilder, value: ValueName, weight: number): ValueName {
  const layout = flat(graph, gridMeans(graph, value, SIZE, COLOR_GRID));
  return graph.apply('Mul', [layout, scalar(graph, weight / COLOR_GRID)]);
}

/** Tells a white sheet from a black one: it is all that is left of a picture of one grey. Never zero as a whole. */
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
    // Without padding, an image's border would be an edge: the picture's own rim is repeated instead.
    const padded = graph.apply('Pad', [level, graph.constant('int64', [8], [0, 0, 1, 1, 0, 0, 1, 1])], {
      mode: 'edge',
    });
    const energy = graph.apply('Relu', [graph.apply('Conv', [padded, kernels])]);
    const histogram = flat(graph, gridMeans(graph, energy, size, GRADIENT_GRID));
    parts.push(rootNormalized(graph, histogram, WEIGHTS.gradients));
  }
  return parts;
}

/** The square root of a histogram, brought to the length `weight`, or less where there are hardly any gradients. */
function rootNormalized(graph: GraphBuilder, histogram: ValueName, weight: number): ValueName {
  const root = graph.apply('Sqrt', [histogram]);
  const length = graph.apply('ReduceL2', [root], { axes: [1], keepdims: 1 });
  const bounded = graph.apply('Max', [length, scalar(graph, 0.5)]);
  return graph.apply('Mul', [graph.apply('Div', [root, bounded]), scalar(graph, weight)]);
}

/** Sobel's derivatives, turned to each direction of the circle. */
function directionalDerivatives(): number[] {
  const across = [-1, 0, 1, -2, 0, 2, -1, 0, 1].map((weight) => weight / 8);
  const down = [-1, -2, -1, 0, 0, 0, 1, 2, 1].map((weight) => weight / 8);
  return Array.from({ length: DIRECTIONS }, (_, i) => (2 * Math.PI * i) / DIRECTIONS).flatMap((angle) =>
    across.map((weight, at) => round(weight * Math.cos(angle) + (down[at] as number) * Math.sin(angle))),
  );
}

/** Sines differ in their last bits between platforms; the file must not. */
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

async function writeModel(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'model.onnx'), buildBuiltinGraph());
  await writeFile(join(folder, 'preprocessor_config.json'), `${JSON.stringify(BUILTIN_PREPROCESSING, null, 2)}\n`);
}

if (import.meta.main) {
  const folder = process.argv[2] ?? fileURLToPath(new URL('../models/color-gradient-grid', import.meta.url));
  await writeModel(folder);
  process.stdout.write(`${folder}\n`);
}
