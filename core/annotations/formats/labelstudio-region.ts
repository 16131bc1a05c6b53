import type { Annotation, Box, Point } from '../../../contract/annotation.ts';
import { InvalidValue, shown } from '../reading/invalid-value.ts';
import { fieldOf, type JsonObject } from '../reading/json-object.ts';
import { ellipsePolygon, turnedBox } from '../reading/shapes.ts';
import { checkBox, isBlank, numberOf, sizeOf } from '../reading/values.ts';
import { brushMask } from './labelstudio-brush.ts';

/**
 * The place of a region, in shares of the picture. Label Studio has percents, and turns shapes in pixels: a turned box
 * needs the size of the picture.
 *
 * @throws InvalidValue malformed, bad_geometry, unknown_size
 */
export function labelStudioRegion(result: JsonObject): Annotation {
  const type = String(fieldOf(result, 'type')).replace(/labels$/, '');
  const value = fieldOf(result, 'value') as JsonObject;
  const turn = fieldOf(result, 'image_rotation');
  if (!isBlank(turn) && turn !== 0)
    throw new InvalidValue('unsupported', `It was drawn while the picture was turned by ${shown(turn)} degrees.`);
  const share = (name: string) => numberOf(fieldOf(value, name), name) / 100;

  switch (type) {
    case 'rectangle': {
      const box = checkBox([share('x'), share('y'), share('width'), share('height')]);
      const rotation = rotationOf(value);
      if (rotation === 0) return { bounding_box: box };
      const [width, height] = pictureSize(result);
      const inPixels: Box = [box[0] * width, box[1] * height, box[2] * width, box[3] * height];
      const corners = turnedBox(inPixels, [inPixels[0], inPixels[1]], rotation);
      return { points: [corners.map(([x, y]) => [x / width, y / height])], oriented: true };
    }
    case 'ellipse': {
      const center: Point = [share('x'), share('y')];
      const radii: Point = [share('radiusX'), share('radiusY')];
      if (!(radii[0] > 0 && radii[1] > 0)) throw new InvalidValue('bad_geometry', 'The ellipse has no area.');
      const rotation = rotationOf(value);
      const [width, height] = rotation === 0 ? [1, 1] : pictureSize(result);
      const inPixels = ([x, y]: Point): Point => [x * width, y * height];
      const corners = ellipsePolygon(inPixels(center), inPixels(radii), rotation);
      return { points: [corners.map(([x, y]) => [x / width, y / height])] };
    }
    case 'polygon':
      return { points: [polygonOf(value)] };
    case 'keypoint':
      return { keypoints: [[share('x'), share('y'), 2]] };
    default: {
      const [width, height] = pictureSize(result);
      return { mask: brushMask(fieldOf(value, 'rle'), width, height) };
    }
  }
}

const rotationOf = (value: JsonObject): number =>
  isBlank(fieldOf(value, 'rotation')) ? 0 : numberOf(fieldOf(value, 'rotation'), 'The rotation');

function pictureSize(result: JsonObject): [width: number, height: number] {
  const width = sizeOf(fieldOf(result, 'original_width'));
  const height = sizeOf(fieldOf(result, 'original_height'));
  if (width !== undefined && height !== undefined) return [width, height];
  throw new InvalidValue(
    'unknown_size',
    'The shape needs the size of the picture: `original_width` and `original_height`.',
  );
}

function polygonOf(value: JsonObject): Point[] {
  const points = fieldOf(value, 'points');
  if (!Array.isArray(points)) throw new InvalidValue('malformed', `\`points\` is ${shown(points)}, not a list.`);
  if (points.length < 3) throw new InvalidValue('bad_geometry', `A polygon can not have ${points.length} points.`);
  if (fieldOf(value, 'closed') === false) throw new InvalidValue('malformed', 'The polygon was never closed.');
  return points.map((point: unknown): Point => {
    const [x, y] = isPair(point) ? point : [undefined, undefined];
    return [numberOf(x, 'An x') / 100, numberOf(y, 'A y') / 100];
  });
}

const isPair = (point: unknown): point is [unknown, unknown] => Array.isArray(point) && point.length === 2;
