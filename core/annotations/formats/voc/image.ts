import type { Annotation, Box, Point } from '../../annotation.ts';
import type { InvalidAnnotation, NamedImage, Piece } from '../format.ts';
import { withImageExtensions } from '../image-extensions.ts';
import { type Flaw, flaw, isFlaw } from '../invalid.ts';
import { parseNumber, quoted } from '../numbers.ts';
import { folderOf, joinPath, leadsUp, nameOf, withSlashes } from '../paths.ts';
import { childOf, textOf, type XmlElement } from '../xml.ts';

/** Where an XML file is. */
interface Place {
  path: string;
  /** The folder that holds `JPEGImages`. */
  root: string;
  /** The file's path in the folder of annotations, without extension. */
  key: string;
}

/** What an `<annotation>` says. Objects that can't be read are added to `invalid`. */
export function readVocImage(root: XmlElement, place: Place, invalid: InvalidAnnotation[]): Omit<Piece, 'key'> {
  const annotations: Annotation[] = [];
  for (const object of root.children) {
    if (object.name !== 'object') continue;
    const found = readObject(object);
    if (isFlaw(found)) invalid.push({ ...found, file: place.path, line: object.line });
    else annotations.push(found);
  }
  return { image: readImage(root, place), unit: 'pixels', annotations };
}

function readImage(root: XmlElement, place: Place): NamedImage {
  const size = childOf(root, 'size');
  const width = pixels(textOf(size, 'width'));
  const height = pixels(textOf(size, 'height'));
  const stated = textOf(root, 'filename') ?? nameOf(withSlashes(textOf(root, 'path') ?? '')) ?? '';
  const paths = pathsOf(withSlashes(stated), place);
  const image: NamedImage = { name: stated || nameOf(paths[0] ?? place.key), paths };
  // Some programs write 0 where they don't know the size.
  return width === undefined || height === undefined ? image : { ...image, width, height };
}

const pixels = (text: string | undefined): number | undefined => {
  const value = text === undefined ? undefined : parseNumber(text);
  return value !== undefined && value > 0 ? value : undefined;
};

/**
 * Where the image may be. Its name comes first as it is stated, then as that of the XML file: the stated name may lack
 * an extension or be that of another machine.
 */
function pathsOf(stated: string, { path, root, key }: Place): string[] {
  const within = joinPath('/', folderOf(`/${key}`)).slice(1);
  const beside = folderOf(path);
  const folders = [
    joinPath(joinPath(root, 'JPEGImages'), within),
    beside,
    joinPath(folderOf(beside), 'images'),
    joinPath(joinPath(root, 'images'), within),
  ];
  const name = stated.startsWith('/') || leadsUp(stated) ? nameOf(stated) : stated;
  const names = name === '' ? [] : [name];
  // Without an extension, the name is a base name.
  if (name !== '' && !nameOf(name).includes('.')) names.push(...withImageExtensions(name));
  names.push(...withImageExtensions(nameOf(key)));
  return [...new Set(names.flatMap((candidate) => folders.map((folder) => joinPath(folder, candidate))))];
}

function readObject(object: XmlElement): Annotation | Flaw {
  const annotation: Annotation = {};
  // Parts (<part>) of an object, such as heads and hands of the layout challenge, are left out.
  const label = textOf(object, 'name');
  if (label === undefined) return flaw('malformed', 'The object has no <name>.');
  annotation.label = label;
  const box = childOf(object, 'bndbox');
  const polygon = childOf(object, 'polygon');
  if (box === undefined && polygon === undefined) return flaw('malformed', 'The object has no <bndbox>.');
  if (box !== undefined) {
    const found = readBox(box);
    if (isFlaw(found)) return found;
    annotation.bounding_box = found;
  }
  if (polygon !== undefined) {
    const found = readPolygon(polygon);
    if (isFlaw(found)) return found;
    annotation.points = [found];
  }
  const attributes = readAttributes(object);
  return attributes === undefined ? annotation : { ...annotation, attributes };
}

/**
 * VOC itself counts pixels from 1 and means both edges inclusive. Nearly all that is written today counts from 0 and
 * excludes the far edge, and a file does not tell which it is. Numbers are kept as they are, as labelformat and FiftyOne
 * do: half a pixel is below what a drawn box can be trusted.
 */
function readBox(box: XmlElement): Box | Flaw {
  const edges: number[] = [];
  for (const name of ['xmin', 'ymin', 'xmax', 'ymax']) {
    const edge = readNumber(box, name);
    if (typeof edge !== 'number') return edge;
    edges.push(edge);
  }
  const [left = 0, top = 0, right = 0, bottom = 0] = edges;
  if (right <= left || bottom <= top)
    return flaw('bad_geometry', `The box has a width of ${right - left} and a height of ${bottom - top}.`);
  return [left, top, right - left, bottom - top];
}

/** `<x1>`, `<y1>`, `<x2>`, … as Roboflow writes them. */
function readPolygon(polygon: XmlElement): Point[] | Flaw {
  const ring: Point[] = [];
  while (childOf(polygon, `x${ring.length + 1}`) !== undefined) {
    const x = readNumber(polygon, `x${ring.length + 1}`);
    const y = readNumber(polygon, `y${ring.length + 1}`);
    if (typeof x !== 'number') return x;
    if (typeof y !== 'number') return y;
    ring.push([x, y]);
  }
  return ring.length < 3 ? flaw('malformed', `The polygon has ${ring.length} points: at least 3 are needed.`) : ring;
}

function readNumber(parent: XmlElement, name: string): number | Flaw {
  const text = textOf(parent, name);
  if (text === undefined) return flaw('malformed', `<${parent.name}> has no <${name}>.`);
  const value = parseNumber(text);
  if (value === undefined) return flaw('malformed', `<${name}> is ${quoted(text)}, which is no number.`);
  return Number.isNaN(value) ? flaw('bad_geometry', `<${name}> is ${quoted(text)}, which is not finite.`) : value;
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
