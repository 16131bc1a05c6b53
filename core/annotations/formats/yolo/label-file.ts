import type { Annotation } from '../../../../contract/annotation.ts';
import { UserError } from '../../../errors.ts';
import type { FileRef } from '../../../sources/files.ts';
import type { AnnotationFiles } from '../../reading/annotation-files.ts';
import { InvalidValue } from '../../reading/invalid-value.ts';
import { readListedFile, readSmallFile } from '../../reading/small-file.ts';
import type { StepBuilder } from '../../reading/steps.ts';
import { decodeUtf8, linesOf } from '../../reading/text.ts';
import { type LineRules, numbersOf, parseLabelLine, UNCLEAR } from './label-line.ts';

/** A label file of 10,000 polygons has a tenth of it. */
const MAX_BYTES = 8 << 20;
/** Lines of a file that is something else are not all told. */
const MAX_INVALID = 1000;

/** Text files beside label files that are none: names of classes, lists of images, and words for people. */
const OTHER_TEXT = /^(?:classes|train|val|valid|test|train_?val|readme.*|license.*|requirements)\.txt$/i;

/** Whether a file of this name may be a label file. */
export const isLabelName = (name: string): boolean => name.endsWith('.txt') && !OTHER_TEXT.test(name);

/** A label file: its bytes, or why there are none. */
export interface LabelFile {
  path: string;
  content: Buffer | InvalidValue;
}

/**
 * The first of some label files that is there.
 *
 * @param isListed whether one of them must be there
 */
export async function loadLabelFile(
  files: AnnotationFiles,
  labels: readonly FileRef[],
  isListed: boolean,
): Promise<LabelFile | undefined> {
  const load = isListed ? readListedFile : readSmallFile;
  for (const file of labels) {
    const content = await load(files, file, MAX_BYTES);
    if (content !== undefined) return { path: file.path, content };
  }
  return undefined;
}

/**
 * Reads the lines of a label file. Those that can't be read are added to the step.
 *
 * @throws UserError AnnotationsUnclear if a line may be several things
 */
export function addLabelFile(
  step: StepBuilder,
  { path, content }: LabelFile,
  rules: LineRules,
): Annotation[] | undefined {
  if (content instanceof InvalidValue) {
    step.addInvalid({ ...content, file: path });
    return undefined;
  }
  step.countBytes(content.length);
  const annotations: Annotation[] = [];
  const known = new Set<string>();
  let invalid = 0;
  for (const [index, raw] of rawLinesOf(content).entries()) {
    const place = { file: path, line: index + 1 };
    if (invalid >= MAX_INVALID) {
      const message = `The lines from here on are not read: ${MAX_INVALID} of this file can't be.`;
      step.addInvalid({ ...place, reason: 'malformed', message });
      break;
    }
    try {
      const line = decodeLine(raw).trim();
      if (line === '') continue;
      const found = parseLabelLine(line, rules);
      if (found === UNCLEAR) throw unclear(path, index + 1, numbersOf(line).length);
      const numbers = numbersOf(line).join(' ');
      if (known.has(numbers)) continue;
      known.add(numbers);
      annotations.push(found);
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      step.addInvalid({ ...error, ...place });
      invalid += 1;
    }
  }
  return annotations;
}

/** Lines, with a character for each byte, so that one that is not UTF-8 spoils no other. */
const rawLinesOf = (bytes: Buffer): string[] => linesOf(bytes.toString('latin1').replace(/^\xef\xbb\xbf/, ''));

/** @throws InvalidValue bad_encoding */
function decodeLine(raw: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the bytes that mean the same in both encodings.
  if (/^[\x00-\x7f]*$/.test(raw)) return raw;
  const line = decodeUtf8(Buffer.from(raw, 'latin1'));
  if (line === undefined) throw new InvalidValue('bad_encoding', 'The line is not UTF-8.');
  return line;
}

const unclear = (path: string, line: number, count: number) =>
  new UserError(
    'AnnotationsUnclear',
    `${path}: line ${line} has ${count} numbers. They may be a polygon, an oriented box or something else: ` +
      'name what the lines are with `--task segment`, `--task obb` or `--task detect`. Keypoints need "kpt_shape" in data.yaml.',
  );
