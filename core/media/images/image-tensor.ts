import { halfFromFloat } from '../../models/half.ts';
import type { ImageInput } from './image-input.ts';
import type { Preprocessing } from './preprocessing.ts';

/** The elements of an image batch in ONNX Runtime's form. Elements of float16 are bit patterns. */
export type TensorElements = Float32Array | Uint16Array | Uint8Array;

/** Writes an image's pixels (8-bit RGB, row by row) to its position in a batch. */
export type PixelWriter = (pixels: Uint8Array, batch: TensorElements, imageIndex: number) => void;

/** Allocates the elements of a batch in the graph's input type. */
export function allocateBatch(type: ImageInput['type'], elements: number): TensorElements {
  if (type === 'uint8') return new Uint8Array(elements);
  if (type === 'float16') return new Uint16Array(elements);
  return new Float32Array(elements);
}

/**
 * Creates a function that writes pixels to the graph's input. It rescales and normalises them with a table of 256
 * values per channel, brings the channels into the model's order, and splits them into planes if the graph requires it.
 */
export function createPixelWriter(
  input: ImageInput,
  { normalization, channelOrder }: Pick<Preprocessing, 'normalization' | 'channelOrder'>,
): PixelWriter {
  const planar = input.layout === 'NCHW';
  const reverses = channelOrder === 'BGR';
  if (input.type === 'uint8' && !planar && !reverses)
    return (pixels, batch, index) => batch.set(pixels, index * pixels.length);

  const tables = [0, 1, 2].map((channel) => tableOf(input.type, normalization, channel));
  return function writePixels(pixels, batch, index) {
    const area = pixels.length / 3;
    const start = index * pixels.length;
    for (const [channel, table] of tables.entries()) {
      const step = planar ? 1 : 3;
      const place = reverses ? 2 - channel : channel;
      let to = start + (planar ? place * area : place);
      for (let from = channel; from < pixels.length; from += 3, to += step)
        batch[to] = table[pixels[from] as number] as number;
    }
  };
}

function tableOf(
  type: ImageInput['type'],
  normalization: Preprocessing['normalization'],
  channel: number,
): TensorElements {
  const table = allocateBatch(type, 256);
  for (let value = 0; value < 256; value++) {
    const element = normalization ? normalized(value, normalization, channel) : value;
    table[value] = type === 'float16' ? halfFromFloat(element) : element;
  }
  return table;
}

function normalized(
  value: number,
  { rescaleFactor, mean, std }: NonNullable<Preprocessing['normalization']>,
  channel: number,
): number {
  return (value * rescaleFactor - (mean[channel] as number)) / (std[channel] as number);
}
