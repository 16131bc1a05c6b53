import type { Annotation, Box, Keypoint, Point } from '../../../../contract/annotation.ts';
import { InvalidValue, shown } from '../../reading/invalid-value.ts';
import { isObject } from '../../reading/json-object.ts';
import { checkBox, numberOf } from '../../reading/values.ts';
import { maskOf, RleError } from '../../rle.ts';

/** [x, y, width, height] in pixels. Undefined if there is none. @throws InvalidValue */
export function boxOf(bbox: unknown): Box | undefined {
  if (bbox === undefined || bbox === null) return undefined;
  if (!Array.isArray(bbox) || (bbox.length !== 4 && bbox.length !== 0))
    throw new InvalidValue('malformed', `Its bbox is ${shown(bbox)}, not four numbers.`);
  return bbox.length === 0 ? undefined : checkBox(bbox.map((value) => numberOf(value, 'A number of its bbox')) as Box);
}

/** Rings in pixels, or a mask. @throws InvalidValue */
export function segmentationOf(segmentation: unknown): Pick<Annotation, 'points' | 'mask'> {
  if (segmentation === undefined || segmentation === null) return {};
  if (isObject(segmentation)) {
    try {
      return { mask: maskOf(segmentation.size, segmentation.counts) };
    } catch (error) {
      if (!(error instanceof RleError)) throw error;
      throw new InvalidValue('malformed', `I${error.message.slice(1)}.`);
    }
  }
  if (!Array.isArray(segmentation))
    throw new InvalidValue('malformed', `Its segmentation is ${shown(segmentation)}, neither a list nor an object.`);
  return segmentation.length === 0 ? {} : { points: segmentation.map(ringOf) };
}

/** A flat list of x and y. */
function ringOf(flat: unknown): Point[] {
  if (!Array.isArray(flat)) throw new InvalidValue('malformed', `Its segmentation has ${shown(flat)} for a polygon.`);
  if (flat.length < 6 || flat.length % 2 === 1)
    throw new InvalidValue('malformed', `Its segmentation has a polygon of ${flat.length} numbers.`);
  const ring: Point[] = [];
  for (let at = 0; at < flat.length; at += 2) ring.push([numberOf(flat[at], POINT), numberOf(flat[at + 1], POINT)]);
  return ring;
}

const POINT = 'A number of its segmentation';

/**
 * [x, y, visibility] of each position, in pixels. Undefined if none is labelled.
 *
 * @param positions how many positions the category declares
 * @param isPredicted models write how sure they are, or nothing, where people say what is visible
 * @throws InvalidValue
 */
export function keypointsOf(
  flat: unknown,
  positions: number | undefined,
  isPredicted: boolean,
): Keypoint[] | undefined {
  if (flat === undefined || flat === null) return undefined;
  if (!Array.isArray(flat) || flat.length % 3 !== 0)
    throw new InvalidValue('malformed', `Its keypoints are ${shown(flat)}, not three numbers each.`);
  if (flat.length === 0) return undefined;
  if (positions !== undefined && positions > 0 && flat.length !== 3 * positions)
    throw new InvalidValue('malformed', `It has ${flat.length / 3} keypoints, and its category has ${positions}.`);
  const keypoints: Keypoint[] = [];
  let isLabelled = false;
  for (let at = 0; at < flat.length; at += 3) {
    const [x, y, stated] = [0, 1, 2].map((part) => numberOf(flat[at + part], 'A number of a keypoint')) as Keypoint;
    const visibility = isPredicted && stated > 0 ? 2 : stated;
    if (visibility !== 0 && visibility !== 1 && visibility !== 2)
      throw new InvalidValue('malformed', `A keypoint has the visibility ${stated}, not 0, 1 or 2.`);
    isLabelled ||= visibility > 0;
    keypoints.push([x, y, visibility]);
  }
  return isLabelled ? keypoints : undefined;
}
