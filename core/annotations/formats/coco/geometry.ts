import type { Annotation, Box, Keypoint, Point } from '../../annotation.ts';
import { maskOf, RleError } from '../../rle.ts';
import { InvalidElement, isObject, numberOf, shown } from './values.ts';

/** [x, y, width, height] in pixels. Undefined if there is none. @throws InvalidElement */
export function boxOf(bbox: unknown): Box | undefined {
  if (bbox === undefined || bbox === null) return undefined;
  if (!Array.isArray(bbox) || (bbox.length !== 4 && bbox.length !== 0))
    throw new InvalidElement('malformed', `its bbox is ${shown(bbox)}, not four numbers`);
  if (bbox.length === 0) return undefined;
  for (const value of bbox) numberOf(value, 'its bbox');
  if (!(bbox[2] > 0 && bbox[3] > 0))
    throw new InvalidElement('bad_geometry', `its bbox ${shown(bbox)} has a width or height that is not above zero`);
  return bbox as Box;
}

/** Rings in pixels, or a mask. @throws InvalidElement */
export function segmentationOf(segmentation: unknown): Pick<Annotation, 'points' | 'mask'> {
  if (segmentation === undefined || segmentation === null) return {};
  if (isObject(segmentation)) {
    try {
      return { mask: maskOf(segmentation.size, segmentation.counts) };
    } catch (error) {
      if (!(error instanceof RleError)) throw error;
      throw new InvalidElement('malformed', error.message);
    }
  }
  if (!Array.isArray(segmentation))
    throw new InvalidElement('malformed', `its segmentation is ${shown(segmentation)}, neither a list nor an object`);
  return segmentation.length === 0 ? {} : { points: segmentation.map(ringOf) };
}

/** A flat list of x and y. */
function ringOf(flat: unknown): Point[] {
  if (!Array.isArray(flat)) throw new InvalidElement('malformed', `its segmentation has ${shown(flat)} for a polygon`);
  if (flat.length < 6 || flat.length % 2 === 1)
    throw new InvalidElement('malformed', `its segmentation has a polygon of ${flat.length} numbers`);
  const ring: Point[] = [];
  for (let at = 0; at < flat.length; at += 2)
    ring.push([numberOf(flat[at], 'its segmentation'), numberOf(flat[at + 1], 'its segmentation')]);
  return ring;
}

/**
 * [x, y, visibility] of each position, in pixels. Undefined if none is labelled.
 *
 * @param positions how many positions the category declares
 * @param isPredicted models write how sure they are, or nothing, where people say what is visible
 * @throws InvalidElement
 */
export function keypointsOf(
  flat: unknown,
  positions: number | undefined,
  isPredicted: boolean,
): Keypoint[] | undefined {
  if (flat === undefined || flat === null) return undefined;
  if (!Array.isArray(flat) || flat.length % 3 !== 0)
    throw new InvalidElement('malformed', `its keypoints are ${shown(flat)}, not three numbers each`);
  if (flat.length === 0) return undefined;
  if (positions !== undefined && positions > 0 && flat.length !== 3 * positions)
    throw new InvalidElement('malformed', `it has ${flat.length / 3} keypoints, and its category has ${positions}`);
  const keypoints: Keypoint[] = [];
  let isLabelled = false;
  for (let at = 0; at < flat.length; at += 3) {
    const [x, y, stated] = [0, 1, 2].map((part) => numberOf(flat[at + part], 'a keypoint')) as Keypoint;
    const visibility = isPredicted && stated > 0 ? 2 : stated;
    if (visibility !== 0 && visibility !== 1 && visibility !== 2)
      throw new InvalidElement('malformed', `a keypoint has the visibility ${stated}, not 0, 1 or 2`);
    isLabelled ||= visibility > 0;
    keypoints.push([x, y, visibility]);
  }
  return isLabelled ? keypoints : undefined;
}
