/**
 * Reads a line of a label file: a class and relative positions.
 *
 * Source: https://docs.ultralytics.com/datasets/detect/, .../segment/, .../pose/, .../obb/
 */
import type { Annotation, Keypoint, Point } from '../../annotation.ts';
import type { AnnotationTask } from '../format.ts';
import { type Flaw, flaw, isFlaw } from '../invalid.ts';
import { parseNumber, quoted } from '../numbers.ts';
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

/** The annotation of a line that is not blank, what is wrong with it, or that it is unclear. */
export function parseLabelLine(line: string, rules: LineRules): Annotation | Flaw | typeof UNCLEAR {
  const words = wordsOf(line);
  const [index = Number.NaN, ...values] = numbersOf(line);
  const word = words.find((text) => parseNumber(text) === undefined);
  if (word !== undefined) return flaw('malformed', `${quoted(word)} is no number.`);
  if (!Number.isInteger(index)) return flaw('malformed', `The class ${quoted(String(words[0]))} is no index.`);
  if (rules.task === undefined && values.length > 5) return UNCLEAR;
  const found = SHAPES[rules.task ?? 'detect'](values, rules);
  if (isFlaw(found)) return found;
  const label = rules.labelOf(index);
  if (label === undefined) return flaw('unknown_reference', `There is no class ${index}.`);
  return { label, ...found };
}

/** The numbers of a line. Lines with equal numbers are one statement: Ultralytics drops the others. */
export const numbersOf = (line: string): number[] => wordsOf(line).map((word) => parseNumber(word) ?? Number.NaN);

const wordsOf = (line: string): string[] => line.split(/[\s,]+/).filter((word) => word !== '');

type Shape = (values: number[], rules: LineRules) => Annotation | Flaw;

const SHAPES: Record<Exclude<AnnotationTask, 'classify'>, Shape> = {
  detect(values) {
    if (values.length !== 4 && values.length !== 5) return wrongCount(values, 'a box has x, y, width and height');
    return withConfidence(boxOf(values), values[4]);
  },
  pose(values, { keypoints }) {
    if (keypoints === undefined) return flaw('malformed', 'The number of keypoints is not known.');
    const { count, dimensions } = keypoints;
    const end = 4 + count * dimensions;
    if (values.length !== end && values.length !== end + 1)
      return wrongCount(values, `a box and ${count} keypoints of ${dimensions} numbers have ${end}`);
    const box = boxOf(values);
    if (isFlaw(box)) return box;
    const positions: Keypoint[] = [];
    for (let at = 4; at < end; at += dimensions) {
      const keypoint = keypointOf(values.slice(at, at + dimensions));
      if (isFlaw(keypoint)) return keypoint;
      positions.push(keypoint);
    }
    return withConfidence({ ...box, keypoints: positions }, values[end]);
  },
  segment(values) {
    if (values.length < 6) return wrongCount(values, 'a polygon has at least 3 points');
    const end = values.length - (values.length % 2);
    return withConfidence(ringOf(values.slice(0, end)), values[end]);
  },
  obb(values) {
    if (values.length !== 8 && values.length !== 9) return wrongCount(values, 'an oriented box has 4 corners');
    const ring = ringOf(values.slice(0, 8));
    return withConfidence(isFlaw(ring) ? ring : { ...ring, oriented: true }, values[8]);
  },
};

const wrongCount = (values: number[], expected: string): Flaw =>
  flaw('malformed', `There are ${values.length} numbers after the class: ${expected}.`);

/** The box in the first four numbers: its centre, its width and its height. */
function boxOf([x = 0, y = 0, width = 0, height = 0]: number[]): Annotation | Flaw {
  if (![x, y, width, height].every(Number.isFinite)) return flaw('bad_geometry', 'A position is not finite.');
  if (width <= 0 || height <= 0)
    return flaw('bad_geometry', `The box has a width of ${width} and a height of ${height}.`);
  return { bounding_box: [x - width / 2, y - height / 2, width, height] };
}

function ringOf(values: number[]): Annotation | Flaw {
  if (!values.every(Number.isFinite)) return flaw('bad_geometry', 'A position is not finite.');
  const ring: Point[] = [];
  for (let at = 0; at < values.length; at += 2) ring.push([values[at] ?? 0, values[at + 1] ?? 0]);
  return hasExtent(ring)
    ? { points: [ring] }
    : flaw('bad_geometry', 'All points lie on one horizontal or vertical line.');
}

const hasExtent = (ring: Point[]) => ring.some(([x]) => x !== ring[0]?.[0]) && ring.some(([, y]) => y !== ring[0]?.[1]);

/** Without a visibility, a position is labelled unless it is negative, as in Ultralytics. */
function keypointOf([x = 0, y = 0, visibility = x < 0 || y < 0 ? 0 : 2]: number[]): Keypoint | Flaw {
  if (![x, y, visibility].every(Number.isFinite)) return flaw('bad_geometry', 'A keypoint is not finite.');
  if (![0, 1, 2].includes(visibility)) return flaw('malformed', `The visibility ${visibility} is none of 0, 1 and 2.`);
  return [x, y, visibility];
}

/** Predictions end in a confidence. */
function withConfidence(found: Annotation | Flaw, confidence: number | undefined): Annotation | Flaw {
  if (confidence === undefined || isFlaw(found)) return found;
  if (!(confidence >= 0 && confidence <= 1))
    return flaw('malformed', `The confidence ${confidence} is not between 0 and 1.`);
  return { ...found, confidence };
}
