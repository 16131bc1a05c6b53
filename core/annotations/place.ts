import type { Annotation, Mask, Point } from '../../contract/annotation.ts';
import { turnMask } from './turn-mask.ts';

/** The size of a picture as displayed, in pixels, and how it is turned for that: EXIF orientation, 1 to 8. */
export interface Picture {
  width: number;
  height: number;
  orientation: number;
}

/** The size that a format states. */
export interface StatedSize {
  width?: number | undefined;
  height?: number | undefined;
}

/** An annotation in place, or why it has none. */
export type Placed =
  | { annotation: Annotation; clipped: boolean }
  | { problem: 'outside' | 'unknown_size' | 'bad_geometry'; message: string };

/** Places annotations of one image: their positions become shares of the picture as displayed. */
export interface Frame {
  place(annotation: Annotation, unit: 'pixels' | 'relative'): Placed;
}

/**
 * The frame of a picture. If its stated size is that of the file before it is turned, positions are turned with it:
 * some tools write the pixels of the file, others those of the display, and only the stated size tells.
 */
export function frameOf(picture: Picture | undefined, stated: StatedSize): Frame {
  const size = knownSize(stated) ?? picture;
  const turn = picture !== undefined && isUnturned(picture, knownSize(stated)) ? picture.orientation : 1;
  const toDisplay = TURNS[turn - 1] as (point: Point) => Point;
  return {
    place(annotation, unit) {
      const isPixels = unit === 'pixels';
      if (isPixels && size === undefined && hasPositions(annotation))
        return {
          problem: 'unknown_size',
          message: 'Its positions are in pixels, and nobody knows the size of its image.',
        };
      const [w, h] = isPixels ? [size?.width ?? 1, size?.height ?? 1] : [1, 1];
      const at = ([x, y]: readonly [number, number, ...number[]]): Point => toDisplay([x / w, y / h]);
      const lengthsOf = ([width, height]: [number, number]): [number, number] =>
        isOnItsSide(turn) ? [height / h, width / w] : [width / w, height / h];
      return placeAll(annotation, { at, lengthsOf }, { picture, turn });
    },
  };
}

const knownSize = ({ width, height }: StatedSize) =>
  width !== undefined && height !== undefined && width > 0 && height > 0 ? { width, height } : undefined;

const hasPositions = ({ bounding_box, points, keypoints }: Annotation) =>
  bounding_box !== undefined || points !== undefined || keypoints !== undefined;

/** EXIF orientations from 5 on lay a picture on its side. */
const isOnItsSide = (orientation: number) => orientation >= 5;

/** Whether a stated size is that of a picture before it is laid on its side. */
function isUnturned(
  { width, height, orientation }: Picture,
  stated: { width: number; height: number } | undefined,
): boolean {
  if (stated === undefined || !isOnItsSide(orientation) || width === height) return false;
  // A picture may have been made smaller since: the shape tells, too.
  return (
    Math.abs(Math.log((stated.width / stated.height) * (width / height))) <
    Math.abs(Math.log(stated.width / stated.height / (width / height)))
  );
}

/** From a position in the file to the position on the display, for each EXIF orientation (TIFF 6.0, tag 274). */
const TURNS: readonly ((point: Point) => Point)[] = [
  (point) => point,
  ([x, y]) => [1 - x, y],
  ([x, y]) => [1 - x, 1 - y],
  ([x, y]) => [x, 1 - y],
  ([x, y]) => [y, x],
  ([x, y]) => [1 - y, x],
  ([x, y]) => [1 - y, 1 - x],
  ([x, y]) => [y, 1 - x],
];

/** A position this far out of a picture is an error of rounding. */
const ROUNDING = 1e-6;

function placeAll(
  annotation: Annotation,
  {
    at,
    lengthsOf,
  }: {
    at: (point: readonly [number, number, ...number[]]) => Point;
    /** The width and the height of a box, as displayed. */
    lengthsOf: (lengths: [number, number]) => [number, number];
  },
  { picture, turn }: { picture: Picture | undefined; turn: number },
): Placed {
  const { bounding_box, points, keypoints, mask, ...rest } = annotation;
  const placed: Annotation = { ...rest };
  let clipped = false;
  const inside = (value: number) => {
    if (value < -ROUNDING || value > 1 + ROUNDING) clipped = true;
    return Math.min(1, Math.max(0, value));
  };
  if (bounding_box !== undefined) {
    const [x, y, w, h] = bounding_box;
    if (![x, y, w, h].every(Number.isFinite) || w <= 0 || h <= 0)
      return { problem: 'bad_geometry', message: `The box ${JSON.stringify(bounding_box)} has no size.` };
    const [first, second] = [at([x, y]), at([x + w, y + h])];
    const [left, right] = [Math.min(first[0], second[0]), Math.max(first[0], second[0])];
    const [top, bottom] = [Math.min(first[1], second[1]), Math.max(first[1], second[1])];
    if (left >= 1 || top >= 1 || right <= 0 || bottom <= 0)
      return { problem: 'outside', message: `The box ${JSON.stringify(bounding_box)} lies outside of its picture.` };
    // A length is not the difference of two positions: that would round it, and a box would come back another.
    const [width, height] = lengthsOf([w, h]);
    const [x0, x1, y0, y1] = [inside(left), inside(right), inside(top), inside(bottom)];
    placed.bounding_box = [
      x0,
      y0,
      x0 === left && x1 === right ? width : x1 - x0,
      y0 === top && y1 === bottom ? height : y1 - y0,
    ];
  }
  if (points !== undefined) {
    if (!points.flat(2).every(Number.isFinite))
      return { problem: 'bad_geometry', message: 'A point of its outline is no number.' };
    const turned = points.map((ring) => ring.map(at));
    if (turned.length > 0 && turned.every(isOutside))
      return { problem: 'outside', message: 'Its outline lies outside of its picture.' };
    placed.points = turned.map((ring) => ring.map(([x, y]): Point => [inside(x), inside(y)]));
  }
  if (keypoints !== undefined)
    // A point that is not labelled has no position.
    placed.keypoints = keypoints.map(([x, y, seen]) => {
      const [left, top] = seen === 0 ? [0, 0] : at([x, y]);
      return [inside(left), inside(top), seen];
    });
  if (mask !== undefined) placed.mask = placeMask(mask, picture, turn);
  return { annotation: placed, clipped };
}

const isOutside = (ring: readonly Point[]) =>
  ring.every(([x]) => x >= 1) ||
  ring.every(([x]) => x <= 0) ||
  ring.every(([, y]) => y >= 1) ||
  ring.every(([, y]) => y <= 0);

/** A mask states its own size, and is turned if that is the size of the file. */
function placeMask(mask: Mask, picture: Picture | undefined, turn: number): Mask {
  if (picture === undefined) return mask;
  const [height, width] = mask.size;
  const isTurned = turn !== 1 || isUnturned(picture, { width, height });
  return isTurned ? turnMask(mask, picture.orientation) : mask;
}
