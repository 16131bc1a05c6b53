import type { Mask } from '../../contract/annotation.ts';
import { bitmapOfMask, maskOfBitmap } from './rle.ts';

/**
 * Turns a mask of the pixels of a file as a picture with this EXIF orientation is turned for the display. Bitmaps run
 * down the columns.
 */
export function turnMask(mask: Mask, orientation: number): Mask {
  const [height, width] = mask.size;
  const source = bitmapOfMask(mask);
  const [rows, columns] = orientation >= 5 ? [width, height] : [height, width];
  const turned = new Uint8Array(rows * columns);
  for (let x = 0; x < width; x += 1) {
    for (let y = 0; y < height; y += 1) {
      if (source[x * height + y] === 0) continue;
      const [column, row] = turnedTo(orientation, x, y, width - 1, height - 1);
      turned[column * rows + row] = 1;
    }
  }
  return maskOfBitmap(turned, [rows, columns]);
}

/** The place of a pixel after turning. `right` and `bottom` are the last column and row of the file. */
function turnedTo(orientation: number, x: number, y: number, right: number, bottom: number): [number, number] {
  switch (orientation) {
    case 2:
      return [right - x, y];
    case 3:
      return [right - x, bottom - y];
    case 4:
      return [x, bottom - y];
    case 5:
      return [y, x];
    case 6:
      return [bottom - y, x];
    case 7:
      return [bottom - y, right - x];
    case 8:
      return [y, right - x];
    default:
      return [x, y];
  }
}
