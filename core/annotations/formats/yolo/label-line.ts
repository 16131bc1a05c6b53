/**
 * Reads a line of a label file: a class and relative positions.
 *
 * Source: https://docs.ultralytics.com/datasets/detect/, .../segment/, .../pose/, .../obb/
 */
import type { Annotation, Keypoint, Point } from '../../../../contract/annotation.ts';
import { InvalidValue, shown } from '../../reading/invalid-value.ts';
import { parseNumber } from '../../reading/values.ts';
import type { AnnotationTask } from '../format.ts';
import type { KeypointShape } from './data-file.ts';

/** A line may be several things: the task has to be named. */
export const UNCLEAR = 'unclear';

export interface LineRules {
  /** What lines mean. If left out, only boxes are certain. */
  task: Exclude<AnnotationTask, 'classify'> | undefined;
  keypoints: KeypointShape | undefined;
  /** The label of a class's index. Undefined if there is no such class. */
  labelOf(index: number): string | undefined;
}

/** The annotation of a line that is not blank, or that it is unclear. @throws InvalidValue */
export function parseLabelLine(line: string, rules: LineRules): Annotation | typeof UNCLEAR {
  const words = wordsOf(line);
  const [index = Number.NaN, ...values] = numbersOf(line);
  const word = words.find((text) => parseNumber(text) === undefined);
  if (word !== undefined) throw new InvalidValue('malformed', `${shown(word)} is no number.`);
  if (!Number.isInteger(index))
    throw new InvalidValue('malformed', `The class ${shown(String(words[0]))} is no index.`);
  if (rules.task === undefined && values.length > 5) return UNCLEAR;
  const found = SHAPES[rules.task ?? 'detect'](values, rules);
  const label = rules.labelOf(index);
  if (label === undefined) throw new InvalidValue('unknown_reference', `There is no class ${index}.`);
  return { label, ...found };
}

/** The numbers of a line. Lines with equal numbers are one statement: Ultralytics drops the others. */
export const numbersOf = (line: string): number[] => wordsOf(line).map((word) => parseNumber(word) ?? Number.NaN);

const wordsOf = (line: string): string[] => line.split(/[\s,]+/).filter((word) => word !== '');

type Shape = (values: number[], rules: LineRules) => Annotation;

const SHAPES: Record<Exclude<AnnotationTask, 'classify'>, Shape> = {
  detect(values) {
    if (values.length !== 4 && values.length !== 5) throw wrongCount(values, 'a box has x, y, width and height');
    return withConfidence(boxOf(values), values[4]);
  },
  pose(values, { keypoints }) {
    if (keypoints === undefined) throw new InvalidValue('malformed', 'The number of keypoints is not known.');
    const { count, dimensions } = keypoints;
    const end = 4 + count * dimensions;
    if (values.length !== end && values.length !== end + 1)
      throw wrongCount(values, `a box and ${count} keypoints of ${dimensions} numbers have ${end}`);
    const box = boxOf(values);
    const positions: Keypoint[] = [];
    for (let at = 4; at < end; at += dimensions) {
      const keypoint = keypointOf(values.slice(at, at + dimensions));
      positions.push(keypoint);
    }
    return withConfidence({ ...box, keypoints: positions }, values[end]);
  },
  segment(values) {
    if (values.length < 6) throw wrongCount(values, 'a polygon has at least 3 points');
    const end = values.length - (values.length % 2);
    return withConfidence(ringOf(values.slice(0, end)), values[end]);
  },
  obb(values) {
    if (values.length !== 8 && values.length !== 9) throw wrongCount(values, 'an oriented box has 4 corners');
    const ring = ringOf(values.slice(0, 8));
    return withConfidence({ ...ring, oriented: true }, values[8]);
  },
};

const wrongCount = (values: number[], expected: string) =>
  new InvalidValue('malformed', `There are ${values.length} numbers after the class: ${expected}.`);

/** The box in the first four numbers: its centre, its width and its height. */
function boxOf([x = 0, y = 0, width = 0, height = 0]: number[]): Annotation {
  if (![x, y, width, height].every(Number.isFinite))
    throw new InvalidValue('bad_geometry', 'A position is not finite.');
  if (width <= 0 || height <= 0)
    throw new InvalidValue('bad_geometry', `The box has a width of ${width} and a height of ${height}.`);
  return { bounding_box: [x - width / 2, y - height / 2, width, height] };
}

function ringOf(values: number[]): Annotation {
  if (!values.every(Number.isFinite)) throw new InvalidValue('bad_geometry', 'A position is not finite.');
  const ring: Point[] = [];
  for (let at = 0; at < values.length; at += 2) ring.push([values[at] ?? 0, values[at + 1] ?? 0]);
  if (hasExtent(ring)) return { points: [ring] };
  throw new InvalidValue('bad_geometry', 'All points lie on one horizontal or vertical line.');
}

const hasExtent = (ring: Point[]) => ring.some(([x]) => x !== ring[0]?.[0]) && ring.some(([, y]) => y !== ring[0]?.[1]);

/** Without a visibility, a position is labelled unless it is negative, as in Ultralytics. */
function keypointOf([x = 0, y = 0, visibility = x < 0 || y < 0 ? 0 : 2]: number[]): Keypoint {
  if (![x, y, visibility].every(Number.isFinite)) throw new InvalidValue('bad_geometry', 'A keypoint is not finite.');
  if (![0, 1, 2].includes(visibility))
    throw new InvalidValue('malformed', `The visibility ${visibility} is none of 0, 1 and 2.`);
  return [x, y, visibility];
}

/** Predictions end in a confidence. */
function withConfidence(found: Annotation, confidence: number | undefined): Annotation {
  if (confidence === undefined) return found;
  if (!(confidence >= 0 && confidence <= 1))
    throw new InvalidValue('malformed', `The confidence ${confidence} is not between 0 and 1.`);
  return { ...found, confidence };
}
