import type { Annotation, Point } from '../../../contract/annotation.ts';
import { InvalidValue, shown } from '../reading/invalid-value.ts';
import { fieldOf, isObject } from '../reading/json-object.ts';
import { ellipsePolygon } from '../reading/shapes.ts';
import { checkBox, numberOf, textOf } from '../reading/values.ts';

/**
 * A shape of LabelMe, in pixels.
 * - `polygon` is a polygon, `circle` a polygon of 32 corners, `oriented_rectangle` an oriented box.
 * - `rectangle` is a box, whichever corners it is given by.
 * - `point`, `points`, `line` and `linestrip` are keypoints in order. A polygon would fill what an open line surrounds.
 *   The attribute `shape_type` tells lines.
 * - `mask` is its box: its pixels are a PNG, which is not decoded. The attribute `shape_type` tells so.
 *
 * The group, the description and the flags that are set are attributes.
 *
 * @throws InvalidValue malformed, bad_geometry
 */
export function labelmeShape(shape: unknown): Annotation {
  if (!isObject(shape)) throw new InvalidValue('malformed', `it is ${shown(shape)}, not a shape.`);
  const label = textOf(fieldOf(shape, 'label'), 'The label');
  // Files of before 2019 have no types.
  const type = textOf(fieldOf(shape, 'shape_type'), 'The type') ?? 'polygon';
  const attributes = attributesOf(shape, type);
  return {
    ...(label !== undefined && { label }),
    ...geometryOf(type, pointsOf(fieldOf(shape, 'points'))),
    ...(attributes && { attributes }),
  };
}

function attributesOf(shape: Record<string, unknown>, type: string): Annotation['attributes'] {
  const flags = fieldOf(shape, 'flags');
  const set = isObject(flags) ? Object.keys(flags).filter((flag) => flags[flag] === true) : [];
  const group = fieldOf(shape, 'group_id');
  const description = fieldOf(shape, 'description');
  const entries: [string, string | number | boolean][] = [
    ...set.map((flag): [string, boolean] => [flag, true]),
    ...(typeof group === 'number' || typeof group === 'string' ? [['group_id', group] as [string, number]] : []),
    ...(typeof description === 'string' && description !== ''
      ? [['description', description] as [string, string]]
      : []),
    ...(['line', 'linestrip', 'mask'].includes(type) ? [['shape_type', type] as [string, string]] : []),
  ];
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function pointsOf(points: unknown): Point[] {
  if (!Array.isArray(points)) throw new InvalidValue('malformed', `\`points\` is ${shown(points)}, not a list.`);
  return points.map((point: unknown): Point => {
    if (!Array.isArray(point) || point.length !== 2)
      throw new InvalidValue('malformed', `The point ${shown(point)} is not x and y.`);
    return [numberOf(point[0], 'An x'), numberOf(point[1], 'A y')];
  });
}

function geometryOf(type: string, points: Point[]): Annotation {
  switch (type) {
    case 'polygon':
      need(type, points, points.length >= 3);
      return { points: [points] };
    case 'oriented_rectangle':
    case 'rotation':
      need(type, points, points.length === 4);
      return { points: [points], oriented: true };
    case 'rectangle':
    case 'mask': {
      need(type, points, points.length === 2 || points.length === 4);
      const xs = points.map(([x]) => x);
      const ys = points.map(([, y]) => y);
      const [left, top] = [Math.min(...xs), Math.min(...ys)];
      return { bounding_box: checkBox([left, top, Math.max(...xs) - left, Math.max(...ys) - top]) };
    }
    case 'circle': {
      need(type, points, points.length === 2);
      const [[x, y], [edgeX, edgeY]] = points as [Point, Point];
      const radius = Math.hypot(edgeX - x, edgeY - y);
      if (radius === 0) throw new InvalidValue('bad_geometry', `The circle at ${shown([x, y])} has no radius.`);
      return { points: [ellipsePolygon([x, y], [radius, radius])] };
    }
    case 'point':
    case 'points':
    case 'line':
    case 'linestrip':
      need(type, points, points.length >= (type.startsWith('line') ? 2 : 1));
      return { keypoints: points.map(([x, y]) => [x, y, 2]) };
    default:
      throw new InvalidValue('malformed', `The type ${shown(type)} is none of LabelMe's.`);
  }
}

function need(type: string, points: readonly Point[], enough: boolean): void {
  if (!enough) throw new InvalidValue('bad_geometry', `A ${type} can not have ${points.length} points.`);
}
