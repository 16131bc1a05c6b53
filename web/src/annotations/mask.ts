import type { Mask } from '../api/shapes.ts';

/** The part of a mask in which pixels are set, sampled at a lower resolution if the whole is larger than needed. */
export interface MaskPart {
  /** The part's left, top, width and height as shares of the picture. */
  box: [x: number, y: number, width: number, height: number];
  columns: number;
  rows: number;
  /** Row by row; 1 where the mask is set. */
  pixels: Uint8Array;
}

/**
 * Decodes the counts of COCO's compressed RLE: numbers of five bits a character, lowest first, each from the fourth
 * on as the difference to the one before the last (`rleFrString` of pycocotools).
 *
 * @param most the number of pixels; what lies behind is ignored
 * @returns the beginnings and ends of the runs of set pixels, one after the other
 */
export function runsOf(counts: string, most: number): number[] {
  const runs: number[] = [];
  const lengths: number[] = [];
  let position = 0;
  let at = 0;
  while (at < counts.length && position < most) {
    let length = 0;
    let weight = 1;
    let more = true;
    while (more && at < counts.length) {
      const bits = counts.charCodeAt(at++) - 48;
      length += (bits & 0x1f) * weight;
      weight *= 32;
      more = (bits & 0x20) !== 0;
      if (!more && (bits & 0x10) !== 0) length -= weight;
    }
    const n = lengths.length;
    if (n > 2) length += lengths[n - 2] ?? 0;
    lengths.push(length);
    const end = Math.min(most, position + Math.max(0, length));
    if (n % 2 === 1 && end > position) runs.push(position, end);
    position = end;
  }
  return runs;
}

/**
 * Decodes a mask, whose runs go down the columns.
 *
 * @param side the longer side of the whole mask, in pixels, that is enough
 * @returns undefined if no pixel is set
 */
export function decodeMask({ size: [height, width], counts }: Mask, side: number): MaskPart | undefined {
  const runs = runsOf(counts, height * width);
  if (runs.length === 0) return undefined;
  const { left, top, right, bottom } = boundsOf(runs, height);
  const scale = Math.min(1, side / Math.max(height, width));
  const columns = Math.max(1, Math.round((right - left) * scale));
  const rows = Math.max(1, Math.round((bottom - top) * scale));
  const [stepX, stepY] = [(right - left) / columns, (bottom - top) / rows];
  const pixels = new Uint8Array(columns * rows);
  /** The row whose middle is the first at or behind a row of the mask. */
  const rowAt = (y: number) => Math.min(rows, Math.max(0, Math.ceil((y - top) / stepY - 0.5)));
  let run = 0;
  for (let column = 0; column < columns; column++) {
    const above = (left + Math.floor((column + 0.5) * stepX)) * height;
    while (run < runs.length && (runs[run + 1] ?? 0) <= above) run += 2;
    for (let n = run; n < runs.length && (runs[n] ?? 0) < above + height; n += 2) {
      const end = rowAt(Math.min(height, (runs[n + 1] ?? 0) - above));
      for (let row = rowAt(Math.max(0, (runs[n] ?? 0) - above)); row < end; row++) pixels[row * columns + column] = 1;
    }
  }
  const box: MaskPart['box'] = [left / width, top / height, (right - left) / width, (bottom - top) / height];
  return { box, columns, rows, pixels };
}

function boundsOf(runs: readonly number[], height: number) {
  let [left, top, right, bottom] = [Number.POSITIVE_INFINITY, height, 0, 0];
  for (let n = 0; n < runs.length; n += 2) {
    const [first, last] = [runs[n] ?? 0, (runs[n + 1] ?? 0) - 1];
    const [from, to] = [Math.floor(first / height), Math.floor(last / height)];
    left = Math.min(left, from);
    right = Math.max(right, to + 1);
    // A run that goes on in the next column touches the bottom of one and the top of the other.
    top = from === to ? Math.min(top, first % height) : 0;
    bottom = from === to ? Math.max(bottom, (last % height) + 1) : height;
  }
  return { left, top, right, bottom };
}
