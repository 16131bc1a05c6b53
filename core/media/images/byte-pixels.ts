import type { ByteInput } from '../../models/byte-input.ts';
import type { ImageInput } from './image-input.ts';
import type { Preprocessing } from './preprocessing.ts';

/** The input of pixels from which a device computes the graph's: the same values as by the table of image-tensor.ts. */
export function byteInputFor(
  { name, type, layout, fixedBatch }: ImageInput & { type: 'float32' | 'float16' },
  { geometry, normalization, channelOrder }: Preprocessing,
): ByteInput {
  const { width, height } = geometry.crop;
  const { rescaleFactor, mean, std } = normalization ?? { rescaleFactor: 1, mean: [0, 0, 0], std: [1, 1, 1] };
  return {
    name: `${name}_bytes`,
    height,
    width,
    batch: fixedBatch,
    replaces: { name, type, layout },
    scale: std.map((each) => rescaleFactor / each),
    offset: std.map((each, channel) => -(mean[channel] as number) / each),
    reverses: channelOrder === 'BGR',
  };
}
