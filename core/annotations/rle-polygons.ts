import type { Mask, Point } from '../../contract/annotation.ts';
import { compressCounts, RleError } from './rle.ts';

/** Corners are rounded to a fifth of a pixel. */
const SCALE = 5;

/** Beyond, rounding is not exact any more. */
const MAX_COORDINATE = 1e8;

/**
 * Draws polygons as COCO does (`rleFrPoly` of https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c), so
 * that areas equal those of pycocotools. Edges are lines of points on a grid of a fifth of a pixel. Where one crosses
 * the middle of a column, the pixels below flip. The time grows with the edges times the width, whatever their length.
 *
 * @param rings corners in pixels. What an odd number of rings surrounds is set.
 * @param size height and width in pixels
 * @throws RleError if a corner is not finite or far off
 */
export function maskOfPolygons(rings: readonly (readonly Point[])[], size: Mask['size']): Mask {
  const flips: number[] = [];
  for (const ring of rings) {
    const corners = ring.map(([x, y]): Point => [onGrid(x), onGrid(y)]);
    corners.forEach((corner, index) => {
      addCrossings(flips, corner, corners[(index + 1) % corners.length] as Point, size);
    });
  }
  return { size, counts: compressCounts(runsBetween(flips, size[0] * size[1])) };
}

function onGrid(coordinate: number): number {
  if (!(Math.abs(coordinate) <= MAX_COORDINATE)) throw new RleError(`its polygon has a corner at ${coordinate}`);
  return Math.trunc(SCALE * coordinate + 0.5);
}

/** Adds the pixels, counted down the columns, from which an edge flips its column. Corners are on the grid. */
function addCrossings(flips: number[], a: Point, b: Point, [height, width]: Mask['size']): void {
  const isFlat = Math.abs(a[0] - b[0]) >= Math.abs(a[1] - b[1]);
  const isSwapped = isFlat ? a[0] > b[0] : a[1] > b[1];
  const [[x, y], [endX, endY]] = isSwapped ? [b, a] : [a, b];
  const slope = isFlat ? (endY - y) / (endX - x) : (endX - x) / (endY - y);
  const [low, high] = endX < x ? [endX, x] : [x, endX];
  // The middle of a column is between the third and the fourth of its five points.
  const last = Math.min(width - 1, Math.floor((high - 3) / SCALE));
  for (let column = Math.max(0, Math.ceil((low - 2) / SCALE)); column <= last; column++) {
    const left = SCALE * column + 2;
    let row: number;
    if (isFlat) {
      const at = (steps: number) => Math.trunc(y + slope * steps + 0.5);
      row = Math.min(at(left - x), at(left + 1 - x));
    } else {
      row = y + stepsTo(left, x, slope) - 1;
    }
    const clamped = Math.min(Math.max((row + 0.5) / SCALE - 0.5, 0), height);
    flips.push(column * height + Math.ceil(clamped));
  }
}

/** After how many steps down a steep edge its point is on the other side of `left` and its right neighbour. */
function stepsTo(left: number, x: number, slope: number): number {
  const isPast = (steps: number) => {
    const at = Math.trunc(x + slope * steps + 0.5);
    return slope > 0 ? at > left : at <= left;
  };
  let steps = Math.ceil((left + 0.5 - x) / slope);
  while (steps > 0 && isPast(steps - 1)) steps--;
  while (!isPast(steps)) steps++;
  return steps;
}

/** The lengths of runs between flips. Two flips at the same pixel cancel out. */
function runsBetween(flips: number[], pixels: number): number[] {
  flips.sort((a, b) => a - b);
  const kept: number[] = [];
  for (const flip of flips) {
    if (kept.at(-1) === flip) kept.pop();
    else kept.push(flip);
  }
  if (kept.at(-1) === pixels) kept.pop();
  const runs: number[] = [];
  let start = 0;
  for (const flip of kept) {
    runs.push(flip - start);
    start = flip;
  }
  runs.push(pixels - start);
  return runs;
}
