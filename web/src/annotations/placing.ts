import type { Annotation, Point } from '../api/shapes.ts';

/** A rectangle in CSS pixels. */
export interface Rect {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where a picture lies in its frame: the whole fits in, or it covers the frame and its edges are cut off. */
export type Fit = 'contain' | 'cover';

/** The rectangle of a picture in a frame, as CSS's `object-fit` places it. It may reach beyond the frame. */
export function placeIn(fit: Fit, picture: { width: number; height: number }, width: number, height: number): Rect {
  const scales = [width / picture.width, height / picture.height] as const;
  const scale = fit === 'contain' ? Math.min(...scales) : Math.max(...scales);
  const size = { width: picture.width * scale, height: picture.height * scale };
  return { left: (width - size.width) / 2, top: (height - size.height) / 2, ...size };
}

/** What two rectangles share; undefined if that is nothing. */
export function overlap(a: Rect, b: Rect): Rect | undefined {
  const [left, top] = [Math.max(a.left, b.left), Math.max(a.top, b.top)];
  const [right, bottom] = [Math.min(a.left + a.width, b.left + b.width), Math.min(a.top + a.height, b.top + b.height)];
  return right <= left || bottom <= top ? undefined : { left, top, width: right - left, height: bottom - top };
}

/** Turns positions in a picture into pixels of its frame. */
export const onFrame =
  ({ left, top, width, height }: Rect) =>
  (x: number, y: number): Point => [left + x * width, top + y * height];

/** The box around an annotation, in shares of the picture; undefined if it has no position, or only a mask. */
export function boxAround({ bounding_box, points, keypoints }: Annotation): Annotation['bounding_box'] {
  if (bounding_box !== undefined) return bounding_box;
  const all = points?.flat() ?? keypoints?.filter(([, , visibility]) => visibility > 0);
  if (all === undefined || all.length === 0) return undefined;
  let [left, top, right, bottom] = [1, 1, 0, 0];
  for (const [x, y] of all) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  }
  return [left, top, right - left, bottom - top];
}
