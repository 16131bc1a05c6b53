/** Reads the shapes of CVAT. Positions are pixels. */
import type { Annotation, Keypoint, Point } from '../../../../contract/annotation.ts';
import { InvalidValue, shown } from '../../reading/invalid-value.ts';
import { turnedBox } from '../../reading/shapes.ts';
import { numberOf, parseNumber } from '../../reading/values.ts';
import type { XmlElement } from '../../reading/xml.ts';
import type { CvatLabels } from './labels.ts';
import { MAX_MASK_PIXELS, maskOfRows } from './mask.ts';

/** Height and width of a picture in pixels. Undefined if the file does not say. */
export type PictureSize = [height: number, width: number] | undefined;

/** The annotation of a shape. @throws InvalidValue */
export function readShape(shape: XmlElement, labels: CvatLabels, size: PictureSize): Annotation {
  const label = shape.attributes.get('label');
  if (label === undefined) throw new InvalidValue('malformed', `<${shape.name}> has no label.`);
  if (labels.names.size > 0 && !labels.names.has(label))
    throw new InvalidValue('unknown_reference', `The label ${shown(label)} is not declared in <meta>.`);
  const read = SHAPES.get(shape.name);
  if (read === undefined)
    throw new InvalidValue('unsupported', `Shapes of the kind <${shape.name.slice(0, 80)}> are not read.`);
  const found = read(shape, size, labels);
  const attributes = { ...readAttributes(shape, label, labels), ...found.attributes };
  return { label, ...found, ...(Object.keys(attributes).length === 0 ? {} : { attributes }) };
}

type Read = (shape: XmlElement, size: PictureSize, labels: CvatLabels) => Annotation;

const SHAPES: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['box', readBox],
  ['polygon', (shape) => withPoints(shape, 3, (ring) => ({ points: [ring] }))],
  // An open line encloses nothing, so it is no polygon. It is kept as it is written: x,y;x,y;…
  [
    'polyline',
    (shape) => withPoints(shape, 2, () => ({ attributes: { polyline: shape.attributes.get('points') ?? '' } })),
  ],
  ['points', (shape) => withPoints(shape, 1, (points) => ({ keypoints: points.map(([x, y]): Keypoint => [x, y, 2]) }))],
  ['tag', () => ({})],
  ['mask', readMask],
  ['skeleton', readSkeleton],
]);

function readBox(shape: XmlElement): Annotation {
  const edges = numbersOf(shape, ['xtl', 'ytl', 'xbr', 'ybr']);
  const [left = 0, top = 0, right = 0, bottom = 0] = edges;
  const [width, height] = [right - left, bottom - top];
  if (width <= 0 || height <= 0)
    throw new InvalidValue('bad_geometry', `The box has a width of ${width} and a height of ${height}.`);
  const rotation = shape.attributes.has('rotation') ? numbersOf(shape, ['rotation']) : [0];
  const [degrees = 0] = rotation;
  if (degrees % 360 === 0) return { bounding_box: [left, top, width, height] };
  const centre: Point = [left + width / 2, top + height / 2];
  return { points: [turnedBox([left, top, width, height], centre, degrees)], oriented: true };
}

function withPoints(shape: XmlElement, least: number, make: (points: Point[]) => Annotation): Annotation {
  const points = pointsOf(shape);
  if (points.length < least)
    throw new InvalidValue('malformed', `<${shape.name}> has ${points.length} points: at least ${least} are needed.`);
  return make(points);
}

/** The points of `x,y;x,y`. */
function pointsOf(shape: XmlElement): Point[] {
  const points: Point[] = [];
  for (const pair of (shape.attributes.get('points') ?? '').split(';')) {
    if (pair.trim() === '') continue;
    const [x, y, ...more] = pair.split(',').map((text) => parseNumber(text.trim()));
    if (x === undefined || y === undefined || more.length > 0)
      throw new InvalidValue('malformed', `<${shape.name}> has the point ${shown(pair)}, which is not two numbers.`);
    if (!Number.isFinite(x) || !Number.isFinite(y))
      throw new InvalidValue('bad_geometry', `<${shape.name}> has the point ${shown(pair)}, which is not finite.`);
    points.push([x, y]);
  }
  return points;
}

function readMask(shape: XmlElement, size: PictureSize): Annotation {
  if (size === undefined) throw new InvalidValue('unknown_size', 'The size of the image of a mask is not stated.');
  const numbers = numbersOf(shape, ['left', 'top', 'width', 'height']);
  const [left = 0, top = 0, width = 0, height = 0] = numbers;
  const [rows, columns] = size;
  const isWithin = left >= 0 && top >= 0 && left + width <= columns && top + height <= rows;
  if (!numbers.every(Number.isInteger) || width < 1 || height < 1 || !isWithin)
    throw new InvalidValue(
      'bad_geometry',
      `The mask's box ${numbers.join(', ')} is not in an image of ${columns} x ${rows} pixels.`,
    );
  if (rows * columns > MAX_MASK_PIXELS)
    throw new InvalidValue('bad_geometry', `A mask may have ${MAX_MASK_PIXELS} pixels, not ${rows * columns}.`);
  const runs: number[] = [];
  let sum = 0;
  for (const text of (shape.attributes.get('rle') ?? '').split(',')) {
    if (!/^\s*\d{1,9}\s*$/.test(text)) throw new InvalidValue('malformed', `The mask has the run ${shown(text)}.`);
    runs.push(Number(text));
    sum += Number(text);
  }
  if (sum !== width * height)
    throw new InvalidValue('malformed', `The mask's runs have ${sum} pixels, and its box has ${width * height}.`);
  if (runs.every((run, index) => index % 2 === 0 || run === 0))
    throw new InvalidValue('bad_geometry', 'The mask is empty.');
  return { mask: maskOfRows(runs, [left, top, width, height], size) };
}

/** The points of a skeleton in the order of declaration. Those that are not there are not labelled. */
function readSkeleton(shape: XmlElement, _size: PictureSize, labels: CvatLabels): Annotation {
  const byName = new Map<string, Keypoint>();
  for (const child of shape.children) {
    if (child.name !== 'points') continue;
    const points = pointsOf(child);
    const [point] = points;
    const name = child.attributes.get('label');
    if (point === undefined || name === undefined)
      throw new InvalidValue('malformed', 'A point of a skeleton lacks a label or a position.');
    const isOutside = child.attributes.get('outside') === '1';
    byName.set(name, isOutside ? [0, 0, 0] : [...point, child.attributes.get('occluded') === '1' ? 1 : 2]);
  }
  const declared = labels.keypoints.get(shape.attributes.get('label') ?? '');
  if (declared === undefined) return { keypoints: [...byName.values()] };
  const unknown = [...byName.keys()].find((name) => !declared.includes(name));
  if (unknown !== undefined)
    throw new InvalidValue('unknown_reference', `The point ${shown(unknown)} is not declared in <meta>.`);
  return { keypoints: declared.map((name) => byName.get(name) ?? [0, 0, 0]) };
}

const numbersOf = (shape: XmlElement, names: readonly string[]): number[] =>
  names.map((name) => numberOf(shape.attributes.get(name) ?? '', `The ${name} of <${shape.name}>`));

/** The order of drawing (`z_order`), and by whom (`source`), say nothing of the picture. */
function readAttributes(shape: XmlElement, label: string, labels: CvatLabels): Annotation['attributes'] {
  const attributes: [string, string | number | boolean][] = [];
  const occluded = shape.attributes.get('occluded');
  if (occluded !== undefined) attributes.push(['occluded', occluded === '1']);
  for (const child of shape.children) {
    const name = child.attributes.get('name');
    if (child.name === 'attribute' && name !== undefined)
      attributes.push([name, converted(child.text, labels.inputType(label, name))]);
  }
  // Not an assignment: an attribute may be called __proto__.
  return Object.fromEntries(attributes);
}

function converted(text: string, inputType: string | undefined): string | number | boolean {
  if (inputType === 'checkbox' && (text === 'true' || text === 'false')) return text === 'true';
  const value = inputType === 'number' ? parseNumber(text.trim()) : undefined;
  return value === undefined || Number.isNaN(value) ? text : value;
}
