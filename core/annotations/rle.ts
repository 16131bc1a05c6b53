import type { Mask } from '../../contract/annotation.ts';

/**
 * Masks as COCO's run lengths. `counts` are lengths of runs of pixels down the columns, from the left: of 0, of 1, of 0
 * and so on. The sum is the number of pixels.
 *
 * Compressed, they are text. Each count from the fourth on is replaced by its difference to the one two before. A number
 * is cut into groups of 5 bits, the lowest first, as few as its sign allows: the highest bit of the last group is the
 * sign. A group is a character: 48, plus the bits, plus 32 if more groups follow. The definition is `rleToString` of
 * https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c.
 */

/** A mask's size or counts contradict each other, or are none. The message is the end of a sentence. */
export class RleError extends Error {
  override readonly name = 'RleError';
}

/** The most pixels of a mask: a bitmap of it fits in memory. */
export const MAX_MASK_PIXELS = 1 << 28;

/** More groups hold no count that a mask may have. */
const MAX_GROUPS = 7;

/**
 * Makes a mask of what a file says.
 *
 * @param size height and width in pixels
 * @param counts compressed or not
 * @throws RleError if the counts don't cover the size exactly
 */
export function maskOf(size: unknown, counts: unknown): Mask {
  const pixels = pixelsOf(size);
  const runs = typeof counts === 'string' ? expandCounts(counts) : counts;
  if (!Array.isArray(runs)) throw new RleError('its mask has counts that are neither text nor a list');
  let sum = 0;
  for (const run of runs) {
    if (!Number.isInteger(run) || run < 0) throw new RleError('its mask has a count that is no length of a run');
    sum += run;
  }
  if (sum !== pixels) throw new RleError(`its mask has counts of ${sum} pixels and a size of ${pixels}`);
  return { size: size as Mask['size'], counts: typeof counts === 'string' ? counts : compressCounts(runs) };
}

/** Compresses counts to text. */
export function compressCounts(counts: readonly number[]): string {
  let text = '';
  for (let index = 0; index < counts.length; index++) {
    const before = index > 2 ? (counts[index - 2] as number) : 0;
    let rest = (counts[index] as number) - before;
    for (let more = true; more; ) {
      const bits = rest & 31;
      rest >>= 5;
      more = (bits & 16) === 0 ? rest !== 0 : rest !== -1;
      text += String.fromCharCode(48 + bits + (more ? 32 : 0));
    }
  }
  return text;
}

/** The counts of a compressed text. @throws RleError if it is cut, or has other characters or negative counts */
export function expandCounts(text: string): number[] {
  const counts: number[] = [];
  for (let at = 0; at < text.length; ) {
    let value = 0;
    for (let weight = 1, groups = 1, more = true; more; weight *= 32, groups++) {
      const code = text.charCodeAt(at++) - 48;
      if (!(code >= 0 && code < 64)) throw new RleError('its mask has counts that are cut or no compressed RLE');
      if (groups > MAX_GROUPS) throw new RleError('its mask has a count that is too large');
      more = code >= 32;
      value += (code & 31) * weight;
      if (!more && (code & 16) !== 0) value -= 32 * weight;
    }
    if (counts.length > 2) value += counts[counts.length - 2] as number;
    if (value < 0 || value > MAX_MASK_PIXELS) throw new RleError(`its mask has a run of ${value} pixels`);
    counts.push(value);
  }
  return counts;
}

/** How many pixels are set. @throws RleError */
export function maskArea({ counts }: Mask): number {
  let area = 0;
  expandCounts(counts).forEach((count, index) => {
    if (index % 2 === 1) area += count;
  });
  return area;
}

/** The box around the pixels that are set: left, top, width and height in pixels; zeros if none is. @throws RleError */
export function maskBox({ size: [height], counts }: Mask): [x: number, y: number, width: number, height: number] {
  let [left, top, right, bottom] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, -1, -1];
  let start = 0;
  expandCounts(counts).forEach((count, index) => {
    const last = start + count - 1;
    if (index % 2 === 1 && count > 0) {
      const [from, to] = [Math.floor(start / height), Math.floor(last / height)];
      left = Math.min(left, from);
      right = Math.max(right, to);
      // A run that goes on in the next column touches the bottom and the top.
      top = Math.min(top, from < to ? 0 : start % height);
      bottom = Math.max(bottom, from < to ? height - 1 : last % height);
    }
    start += count;
  });
  return right < 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1];
}

/**
 * The pixels of a mask down the columns: (x, y) is at `x * height + y`, 1 or 0.
 *
 * @throws RleError
 */
export function bitmapOfMask({ size, counts }: Mask): Uint8Array {
  const bitmap = new Uint8Array(pixelsOf(size));
  let at = 0;
  expandCounts(counts).forEach((count, index) => {
    if (index % 2 === 1) bitmap.fill(1, at, at + count);
    at += count;
  });
  if (at !== bitmap.length) throw new RleError(`its mask has counts of ${at} pixels and a size of ${bitmap.length}`);
  return bitmap;
}

/** The mask of pixels down the columns; those that are not 0 are set. @throws RleError if the sizes differ */
export function maskOfBitmap(bitmap: Uint8Array, size: Mask['size']): Mask {
  if (pixelsOf(size) !== bitmap.length) throw new RleError(`its mask has ${bitmap.length} pixels, not ${size}`);
  const counts: number[] = [];
  let start = 0;
  let isSet = false;
  for (let at = 0; at < bitmap.length; at++) {
    if ((bitmap[at] !== 0) === isSet) continue;
    counts.push(at - start);
    start = at;
    isSet = !isSet;
  }
  counts.push(bitmap.length - start);
  return { size, counts: compressCounts(counts) };
}

/** The number of pixels of a size. @throws RleError if it is no height and width */
function pixelsOf(size: unknown): number {
  if (!Array.isArray(size) || size.length !== 2) throw new RleError('its mask has no height and width');
  const [height, width] = size;
  if (!Number.isInteger(height) || !Number.isInteger(width) || height < 1 || width < 1)
    throw new RleError('its mask has a height or width that is no number of pixels');
  if (height * width > MAX_MASK_PIXELS)
    throw new RleError(`its mask has ${height} x ${width} pixels, more than ${MAX_MASK_PIXELS}`);
  return height * width;
}
