import type { Annotation, Box, Point } from '../../../../contract/annotation.ts';
import { isPictureName } from '../../image-extensions.ts';
import { InvalidValue } from '../../reading/invalid-value.ts';
import { folderOf, joinPath, leadsUp, nameOf, withoutExtension, withSlashes } from '../../reading/paths.ts';
import type { StepBuilder } from '../../reading/steps.ts';
import { numberOf, parseNumber } from '../../reading/values.ts';
import { childOf, textOf, type XmlElement } from '../../reading/xml.ts';
import type { NamedImage, Piece } from '../format.ts';

/** Where an XML file is. */
interface Place {
  path: string;
  /** The folder that holds `JPEGImages`. */
  root: string;
  /** The file's path in the folder of annotations, without extension. */
  key: string;
}

/** What an `<annotation>` says. Objects that can't be read are added to the step. */
export function readVocImage(root: XmlElement, place: Place, step: StepBuilder): Omit<Piece, 'key'> {
  const annotations: Annotation[] = [];
  for (const object of root.children) {
    if (object.name !== 'object') continue;
    step.attempt({ file: place.path, line: object.line }, () => {
      annotations.push(readObject(object));
      return undefined;
    });
  }
  return { image: readImage(root, place), unit: 'pixels', annotations };
}

function readImage(root: XmlElement, place: Place): NamedImage {
  const size = childOf(root, 'size');
  const width = pixels(textOf(size, 'width'));
  const height = pixels(textOf(size, 'height'));
  const image = namedBy(textOf(root, 'filename') ?? nameOf(withSlashes(textOf(root, 'path') ?? '')), place);
  // Some programs write 0 where they don't know the size.
  return width === undefined || height === undefined ? image : { ...image, width, height };
}

const pixels = (text: string | undefined): number | undefined => {
  const value = text === undefined ? undefined : parseNumber(text);
  return value !== undefined && value > 0 ? value : undefined;
};

/**
 * An image by its stated name, by that name with any other extension, and by the name of the XML file: pictures are
 * often converted or renamed together with their files, which then state a name of before.
 */
function namedBy(stated: string, { path, root, key }: Place): NamedImage {
  const within = joinPath('/', folderOf(`/${key}`)).slice(1);
  const beside = folderOf(path);
  const folders = [
    joinPath(joinPath(root, 'JPEGImages'), within),
    beside,
    joinPath(folderOf(beside), 'images'),
    joinPath(joinPath(root, 'images'), within),
  ];
  const stem = isPictureName(stated) ? withoutExtension(stated) : stated;
  const below = (name: string) => (/^([a-z]:)?\//i.test(name) || leadsUp(name) ? nameOf(name) : name);
  const names = new Set(
    [stated, stem, nameOf(key)]
      .map(withSlashes)
      .map(below)
      .filter((name) => name !== ''),
  );
  const own = nameOf(withSlashes(stem)) === nameOf(key) ? [] : [key];
  const [name = key, ...otherNames] = new Set([stated, stem, ...own].filter((each) => each !== ''));
  return {
    name,
    paths: [...names].flatMap((each) => folders.map((folder) => joinPath(folder, each))),
    anyExtension: true,
    ...(otherNames.length > 0 && { otherNames }),
  };
}

function readObject(object: XmlElement): Annotation {
  const annotation: Annotation = {};
  // Parts (<part>) of an object, such as heads and hands of the layout challenge, are left out.
  const label = textOf(object, 'name');
  if (label === undefined) throw new InvalidValue('malformed', 'The object has no <name>.');
  annotation.label = label;
  const box = childOf(object, 'bndbox');
  const polygon = childOf(object, 'polygon');
  if (box === undefined && polygon === undefined) throw new InvalidValue('malformed', 'The object has no <bndbox>.');
  if (box !== undefined) {
    annotation.bounding_box = readBox(box);
  }
  if (polygon !== undefined) {
    annotation.points = [readPolygon(polygon)];
  }
  const attributes = readAttributes(object);
  return attributes === undefined ? annotation : { ...annotation, attributes };
}

/**
 * VOC itself counts pixels from 1 and means both edges inclusive. Nearly all that is written today counts from 0 and
 * excludes the far edge, and a file does not tell which it is. Numbers are kept as they are, as labelformat and FiftyOne
 * do: half a pixel is below what a drawn box can be trusted.
 */
function readBox(box: XmlElement): Box {
  const edges: number[] = [];
  for (const name of ['xmin', 'ymin', 'xmax', 'ymax']) {
    edges.push(readNumber(box, name));
  }
  const [left = 0, top = 0, right = 0, bottom = 0] = edges;
  if (right <= left || bottom <= top)
    throw new InvalidValue('bad_geometry', `The box has a width of ${right - left} and a height of ${bottom - top}.`);
  return [left, top, right - left, bottom - top];
}

/** `<x1>`, `<y1>`, `<x2>`, … as Roboflow writes them. */
function readPolygon(polygon: XmlElement): Point[] {
  const ring: Point[] = [];
  while (childOf(polygon, `x${ring.length + 1}`) !== undefined) {
    const x = readNumber(polygon, `x${ring.length + 1}`);
    const y = readNumber(polygon, `y${ring.length + 1}`);
    ring.push([x, y]);
  }
  if (ring.length >= 3) return ring;
  throw new InvalidValue('malformed', `The polygon has ${ring.length} points: at least 3 are needed.`);
}

function readNumber(parent: XmlElement, name: string): number {
  const text = textOf(parent, name);
  if (text === undefined) throw new InvalidValue('malformed', `<${parent.name}> has no <${name}>.`);
  return numberOf(text, `<${name}>`);
}

function readAttributes(object: XmlElement): Annotation['attributes'] {
  const attributes: Annotation['attributes'] = {};
  for (const name of ['difficult', 'truncated', 'occluded']) {
    const text = textOf(object, name);
    if (text !== undefined) attributes[name] = FLAGS.get(text.toLowerCase()) ?? text;
  }
  const pose = textOf(object, 'pose');
  if (pose !== undefined) attributes.pose = pose;
  return Object.keys(attributes).length === 0 ? undefined : attributes;
}

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ['0', false],
  ['1', true],
  ['false', false],
  ['true', true],
]);
