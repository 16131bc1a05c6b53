/**
 * Reads Ultralytics' data.yaml.
 *
 * Source: https://docs.ultralytics.com/datasets/detect/#ultralytics-yolo-format and
 * https://docs.ultralytics.com/datasets/pose/#ultralytics-yolo-format
 */
import { LineCounter, parseDocument } from 'yaml';
import { UserError } from '../../../errors.ts';
import { splitNamed } from '../../reading/splits.ts';
import { decodeUtf8 } from '../../reading/text.ts';

/** Thousands of classes fit many times. The parser needs much more memory than the text. */
const MAX_BYTES = 1 << 20;
/** How often aliases may be followed. A bomb of a few lines asks for billions. */
const MAX_ALIASES = 100;

/** The positions of a skeleton: how many, and whether each has a visibility behind x and y. */
export interface KeypointShape {
  count: number;
  dimensions: 2 | 3;
}

export interface DataFile {
  /** The folder that the dataset says it is in: absolute, or relative to one that only Ultralytics' settings know. */
  path?: string;
  /** Folders of images, or text files that name images, by split. */
  splits: { split: string; places: string[] }[];
  /** Names of classes by their index. */
  names?: ReadonlyMap<number, string>;
  /** How many classes there are. */
  count?: number;
  keypoints?: KeypointShape;
  /** Names of keypoints by the class's index, or those of all classes. */
  keypointNames?: ReadonlyMap<number, string[]> | string[];
}

/** @throws UserError AnnotationsBroken */
export function parseDataFile(path: string, bytes: Buffer): DataFile {
  const broken = (message: string) => new UserError('AnnotationsBroken', `${path}: ${message}`);
  const root = parseYaml(bytes, broken);
  const file: DataFile = { splits: splitsOf(root, broken) };
  const names = root.get('names');
  if (names !== undefined && !isNull(names)) file.names = indexed(names, nameAsText, 'names', broken);
  const count = root.get('nc');
  if (count !== undefined && !isNull(count)) file.count = indexOf(count, 'nc', broken);
  const place = root.get('path');
  if (typeof place === 'string' && !isNull(place)) file.path = place;
  const shape = root.get('kpt_shape');
  if (shape !== undefined && !isNull(shape)) file.keypoints = shapeOf(shape, broken);
  const keypointNames = root.get('kpt_names');
  if (keypointNames !== undefined && !isNull(keypointNames))
    file.keypointNames = keypointNamesOf(keypointNames, broken);
  return file;
}

type Broken = (message: string) => UserError;

/** A YAML map with all scalars as they are written: with a schema, a class that is called `no` may become `false`. */
function parseYaml(bytes: Buffer, broken: Broken): Map<unknown, unknown> {
  if (bytes.length > MAX_BYTES) throw broken(`it has ${bytes.length} bytes, and such a file may have ${MAX_BYTES}.`);
  const text = decodeUtf8(bytes);
  if (text === undefined) throw broken('it is not UTF-8.');
  let root: unknown;
  try {
    const lines = new LineCounter();
    const document = parseDocument(text, {
      schema: 'failsafe',
      uniqueKeys: false,
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'error',
    });
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw broken(`line ${line}, column ${col}: ${error.message.replace(/\.?$/, '.')}`);
    }
    root = document.toJS({ mapAsMap: true, maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (error instanceof UserError) throw error;
    // Too many aliases, or lists nested deeper than the stack.
    throw broken(`it can't be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
  if (!(root instanceof Map)) throw broken('it is no map with "names", "train" and the like.');
  return root;
}

/** What YAML means by nothing, as it is written. */
const isNull = (value: unknown) => value === '' || value === '~' || value === 'null';

function splitsOf(root: Map<unknown, unknown>, broken: Broken): DataFile['splits'] {
  const splits: DataFile['splits'] = [];
  for (const key of ['train', 'val', 'valid', 'test']) {
    const value = root.get(key);
    if (value === undefined || isNull(value)) continue;
    const places: unknown[] = Array.isArray(value) ? value : [value];
    if (!places.every((place) => typeof place === 'string'))
      throw broken(`"${key}" is neither a folder, nor a file of names, nor a list of them.`);
    splits.push({ split: splitNamed(key) ?? key, places });
  }
  return splits;
}

/** The values of a list, or of a map from an index to a value. */
function indexed<T>(
  value: unknown,
  convert: (value: unknown) => T | undefined,
  key: string,
  broken: Broken,
): Map<number, T> {
  const entries: [unknown, unknown][] | undefined = Array.isArray(value)
    ? value.map((item, index) => [String(index), item])
    : value instanceof Map
      ? [...value]
      : undefined;
  if (entries === undefined) throw broken(`"${key}" is neither a list nor a map.`);
  const byIndex = new Map<number, T>();
  for (const [index, item] of entries) {
    const converted = convert(item);
    if (converted === undefined) throw broken(`"${key}" has something else than names at ${String(index)}.`);
    byIndex.set(indexOf(index, key, broken), converted);
  }
  return byIndex;
}

function indexOf(value: unknown, key: string, broken: Broken): number {
  if (typeof value === 'string' && /^\d{1,9}$/.test(value)) return Number(value);
  throw broken(`"${key}" has ${String(value).slice(0, 80)} where an index belongs.`);
}

const nameAsText = (value: unknown) => (typeof value === 'string' ? value : undefined);

const namesAsTexts = (value: unknown): string[] | undefined =>
  Array.isArray(value) && value.every((name) => typeof name === 'string') ? value : undefined;

const keypointNamesOf = (value: unknown, broken: Broken) =>
  namesAsTexts(value) ?? indexed(value, namesAsTexts, 'kpt_names', broken);

function shapeOf(value: unknown, broken: Broken): KeypointShape {
  const [count, dimensions] = Array.isArray(value) ? value.map(Number) : [];
  if (count === undefined || !Number.isSafeInteger(count) || count < 1 || (dimensions !== 2 && dimensions !== 3))
    throw broken('"kpt_shape" is not a list of the number of keypoints and 2 or 3.');
  return { count, dimensions };
}
