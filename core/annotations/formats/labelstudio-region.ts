import type { Annotation, Point } from '../annotation.ts';
import { InvalidValueError, shown } from '../reading/invalid-value.ts';
import { ellipsePolygon, turnedBox } from '../reading/shapes.ts';
import { checkBox, fieldOf, isBlank, numberOf, sizeOf } from '../reading/values.ts';
import { brushMask } from './labelstudio-brush.ts';

type Fields = Record<string, unknown>;

/**
 * The place of a region, in shares of the picture. Label Studio has percents, and turns shapes in pixels: a turned box
 * needs the size of the picture.
 *
 * @throws InvalidValueError malformed, bad_geometry, unknown_size
 */
export function labelStudioRegion(result: Fields): Annotation {
  const type = String(fieldOf(result, 'type')).replace(/labels$/, '');
  const value = fieldOf(result, 'value') as Fields;
  const turn = fieldOf(result, 'image_rotation');
  if (!isBlank(turn) && turn !== 0)
    throw new InvalidValueError('malformed', `It was drawn while the picture was turned by ${shown(turn)} degrees.`);
  const share = (name: string) => numberOf(fieldOf(value, name), name) / 100;

  switch (type) {
    case 'rectangle': {
      const box = checkBox([share('x'), share('y'), share('width'), share('height')]);
      const rotation = rotationOf(value);
      if (rotation === 0) return { bounding_box: box };
      const [width, height] = pictureSize(result);
      const corners = turnedBox([box[0] * width, box[1] * height], box[2] * width, box[3] * height, rotation);
      return { points: [corners.map(([x, y]) => [x / width, y / height])], oriented: true };
    }
    case 'ellipse': {
      const center: Point = [share('x'), share('y')];
      const radii: Point = [share('radiusX'), share('radiusY')];
      if (!(radii[0] > 0 && radii[1] > 0)) throw new InvalidValueError('bad_geometry', 'The ellipse has no area.');
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

const rotationOf = (value: Fields): number =>
  isBlank(fieldOf(value, 'rotation')) ? 0 : numberOf(fieldOf(value, 'rotation'), 'The rotation');

function pictureSize(result: Fields): [width: number, height: number] {
  const width = sizeOf(fieldOf(result, 'original_width'));
  const height = sizeOf(fieldOf(result, 'original_height'));
  if (width !== undefined && height !== undefined) return [width, height];
  throw new InvalidValueError(
    'unknown_size',
    'The shape needs the size of the picture: `original_width` and `original_height`.',
  );
}

function polygonOf(value: Fields): Point[] {
  const points = fieldOf(value, 'points');
  if (!Array.isArray(points)) throw new InvalidValueError('malformed', `\`points\` is ${shown(points)}, not a list.`);
  if (points.length < 3) throw new InvalidValueError('bad_geometry', `A polygon can not have ${points.length} points.`);
  if (fieldOf(value, 'closed') === false) throw new InvalidValueError('malformed', 'The polygon was never closed.');
  return points.map((point: unknown): Point => {
    const [x, y] = isPair(point) ? point : [undefined, undefined];
    return [numberOf(x, 'An x') / 100, numberOf(y, 'A y') / 100];
  });
}

const isPair = (point: unknown): point is [unknown, unknown] => Array.isArray(point) && point.length === 2;
