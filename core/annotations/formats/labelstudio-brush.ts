import type { Mask } from '../../../contract/annotation.ts';
import { InvalidValue } from '../reading/invalid-value.ts';
import { MAX_MASK_PIXELS, maskOfBitmap } from '../rle.ts';

const CHANNELS = 4;
const ALPHA = 3;

/**
 * The mask of Label Studio's brush: its opaque pixels. It is a bit stream of runs (the format of `rle-pack` of
 * https://github.com/thi-ng/umbrella) over the bytes of an RGBA picture, row by row: the number of values (32 bits), the
 * bits of a value less one (5), and four sizes of run lengths in bits less one (4 each). Then, until all values are
 * there: whether one value is repeated (1), which size the length has (2), the length less one, and the values.
 *
 * @param rle the bytes of the stream, as a list
 * @throws InvalidValue malformed, bad_geometry
 */
export function brushMask(rle: unknown, width: number, height: number): Mask {
  const read = bitsOf(rle);
  const values = read(32);
  const pixels = width * height;
  if (pixels > MAX_MASK_PIXELS || values !== pixels * CHANNELS)
    throw malformed(`has ${values} values, and a picture of ${width} x ${height} pixels has ${pixels * CHANNELS}`);
  const bits = read(5) + 1;
  const sizes = [read(4) + 1, read(4) + 1, read(4) + 1, read(4) + 1];

  /** Down the columns. */
  const bitmap = new Uint8Array(pixels);
  const set = (pixel: number) => {
    bitmap[(pixel % width) * height + Math.floor(pixel / width)] = 1;
  };
  let opaque = false;
  for (let at = 0; at < values; ) {
    const repeated = read(1) === 1;
    const end = at + 1 + read(sizes[read(2)] as number);
    if (end > values) throw malformed('has more values than it says');
    if (repeated) {
      if (read(bits) !== 0)
        for (let pixel = Math.ceil((at - ALPHA) / CHANNELS); pixel * CHANNELS + ALPHA < end; pixel += 1) {
          set(pixel);
          opaque = true;
        }
      at = end;
    } else
      for (; at < end; at += 1)
        if (read(bits) !== 0 && at % CHANNELS === ALPHA) {
          set((at - ALPHA) / CHANNELS);
          opaque = true;
        }
  }
  if (!opaque) throw new InvalidValue('bad_geometry', 'The brush has no pixel.');
  return maskOfBitmap(bitmap, [height, width]);
}

const malformed = (what: string) => new InvalidValue('malformed', `The RLE of the brush ${what}.`);

/** Reads numbers of up to 32 bits. @throws InvalidValue malformed */
function bitsOf(rle: unknown): (bits: number) => number {
  if (!Array.isArray(rle) || !rle.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256))
    throw malformed('is no list of bytes');
  const bytes = Uint8Array.from(rle);
  let at = 0;
  return (bits) => {
    if (at + bits > bytes.length * 8) throw malformed('is cut');
    let value = 0;
    for (let left = bits; left > 0; ) {
      const free = 8 - (at % 8);
      const taken = Math.min(free, left);
      const part = ((bytes[at >> 3] as number) >> (free - taken)) & ((1 << taken) - 1);
      value = value * 2 ** taken + part;
      at += taken;
      left -= taken;
    }
    return value;
  };
}
