import type { Annotation, AnnotationClass, Box, Mask, Point } from '../../contract/annotation.ts';
import { maskBox } from '../annotations/rle.ts';

/** The kind of an annotation by its most telling part. Undefined of a caption. */
export type Kind = 'detect' | 'segment' | 'pose' | 'obb' | 'classify';

export function kindOf(annotation: Annotation): Kind | undefined {
  if (annotation.keypoints !== undefined) return 'pose';
  if (annotation.oriented) return 'obb';
  if (annotation.points !== undefined || annotation.mask !== undefined) return 'segment';
  if (annotation.bounding_box !== undefined) return 'detect';
  return annotation.label === undefined ? undefined : 'classify';
}

/** The box of an annotation, or the box around its shape, relative. Undefined if it has neither. */
export function boundsOf({ bounding_box, points, mask, keypoints }: Annotation): Box | undefined {
  if (bounding_box !== undefined) return bounding_box;
  if (points !== undefined) return boxAround(points.flat());
  if (mask !== undefined) return maskBounds(mask);
  return boxAround((keypoints ?? []).filter(([, , visibility]) => visibility > 0).map(([x, y]) => [x, y]));
}

function maskBounds(mask: Mask): Box | undefined {
  const [height, width] = mask.size;
  const [x, y, w, h] = maskBox(mask);
  return w === 0 ? undefined : [x / width, y / height, w / width, h / height];
}

function boxAround(points: readonly Point[]): Box | undefined {
  if (points.length === 0) return undefined;
  let [left, top] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [right, bottom] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  }
  return [left, top, right - left, bottom - top];
}

/** The one class of a picture as a whole. `undefined` if it has none, `null` if it has several. */
export function classOf(annotations: readonly Annotation[]): string | undefined | null {
  const labels = new Set(annotations.filter((one) => kindOf(one) === 'classify').map(({ label }) => label));
  const [label] = labels;
  return labels.size > 1 ? null : label;
}

/** The most keypoints of any class. Undefined if no class declares any. */
export function mostKeypoints(classes: readonly AnnotationClass[]): number | undefined {
  const counts = classes.flatMap(({ keypoints }) => (keypoints === undefined ? [] : [keypoints.length]));
  return counts.length === 0 ? undefined : Math.max(...counts);
}
