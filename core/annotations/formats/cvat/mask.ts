import type { Mask } from '../../../../contract/annotation.ts';
import { compressCounts } from '../../rle.ts';

/** The most pixels of a mask: CVAT's own editor handles fewer. */
export const MAX_MASK_PIXELS = 1 << 26;

/**
 * Converts a mask of CVAT: runs of pixels along the rows of a box, of 0 first. COCO's run down the columns of the whole
 * picture.
 *
 * @param runs their sum is the box's number of pixels
 * @param box in pixels: left, top, width and height, within the picture
 * @param size the picture's height and width in pixels
 */
export function maskOfRows(
  runs: readonly number[],
  [left, top, width, height]: readonly [number, number, number, number],
  size: Mask['size'],
): Mask {
  // A byte for each pixel of the box, down the columns.
  const columns = new Uint8Array(width * height);
  let pixel = 0;
  for (const [index, run] of runs.entries()) {
    if (index % 2 === 0) {
      pixel += run;
      continue;
    }
    for (const end = pixel + run; pixel < end; pixel++)
      columns[(pixel % width) * height + Math.floor(pixel / width)] = 1;
  }
  const counts: number[] = [];
  let value = 0;
  let length = 0;
  const add = (next: number, count: number) => {
    if (next !== value) {
      counts.push(length);
      length = 0;
      value = next;
    }
    length += count;
  };
  const [rows, all] = size;
  add(0, left * rows + top);
  for (let at = 0; at < columns.length; at++) {
    if (at > 0 && at % height === 0 && rows > height) add(0, rows - height);
    add(columns[at] ?? 0, 1);
  }
  const rest = all * rows - ((left + width - 1) * rows + top + height);
  if (rest > 0) add(0, rest);
  counts.push(length);
  return { size, counts: compressCounts(counts) };
}
