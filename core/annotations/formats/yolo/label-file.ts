import { UserError } from '../../../errors.ts';
import { FileUnavailableError } from '../../../sources/source.ts';
import type { Annotation } from '../../annotation.ts';
import type { AnnotationFiles } from '../../reading/annotation-files.ts';
import type { InvalidAnnotation } from '../format.ts';
import { type Flaw, flaw, isFlaw } from '../invalid.ts';
import { decodeUtf8 } from '../utf8.ts';
import { type LineRules, numbersOf, parseLabelLine, UNCLEAR } from './label-line.ts';

/** A label file of 10,000 polygons has a tenth of it. */
const MAX_BYTES = 8 << 20;
/** Lines of a file that is something else are not all told. */
const MAX_INVALID = 1000;

/** Text files beside label files that are none: names of classes, lists of images, and words for people. */
const OTHER_TEXT = /^(?:classes|train|val|valid|test|train_?val|readme.*|license.*|requirements)\.txt$/i;

/** Whether a file of this name may be a label file. */
export const isLabelName = (name: string): boolean => name.endsWith('.txt') && !OTHER_TEXT.test(name);

/** What a label file says of its image. */
export interface LabelFile {
  annotations: Annotation[];
  invalid: InvalidAnnotation[];
  bytes: number;
}

/** The bytes of a label file, or why there are none. Undefined if there is no such file. */
export async function loadLabelFile(files: AnnotationFiles, path: string): Promise<Buffer | Flaw | undefined> {
  try {
    const size = await files.size(path);
    if (size > MAX_BYTES)
      return flaw('unreadable_file', `It has ${size} bytes, and a label file may have ${MAX_BYTES}.`);
    return await files.read(path);
  } catch (error) {
    if (!(error instanceof FileUnavailableError)) throw error;
    return error.code === 'file_not_found' ? undefined : flaw('unreadable_file', error.message);
  }
}

/** Reads the lines of a label file. @throws UserError AnnotationsUnclear if a line may be several things */
export function parseLabelFile(path: string, bytes: Buffer, rules: LineRules): LabelFile {
  const file: LabelFile = { annotations: [], invalid: [], bytes: bytes.length };
  const known = new Set<string>();
  for (const [index, raw] of linesOf(bytes).entries()) {
    const place = { file: path, line: index + 1 };
    if (file.invalid.length >= MAX_INVALID) {
      const message = `The lines from here on are not read: ${MAX_INVALID} of this file can't be.`;
      file.invalid.push({ ...place, reason: 'malformed', message });
      break;
    }
    const line = decodeLine(raw)?.trim();
    if (line === undefined) {
      file.invalid.push({ ...place, reason: 'bad_encoding', message: 'The line is not UTF-8.' });
      continue;
    }
    if (line === '') continue;
    const found = parseLabelLine(line, rules);
    if (found === UNCLEAR) throw unclear(path, index + 1, numbersOf(line).length);
    if (isFlaw(found)) {
      file.invalid.push({ ...place, ...found });
      continue;
    }
    const numbers = numbersOf(line).join(' ');
    if (known.has(numbers)) continue;
    known.add(numbers);
    file.annotations.push(found);
  }
  return file;
}

/** Lines, with a character for each byte, so that one that is not UTF-8 spoils no other. */
const linesOf = (bytes: Buffer): string[] =>
  bytes
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .split(/\r\n|\n|\r/);

const decodeLine = (raw: string): string | undefined =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the bytes that mean the same in both encodings.
  /^[\x00-\x7f]*$/.test(raw) ? raw : decodeUtf8(Buffer.from(raw, 'latin1'));

const unclear = (path: string, line: number, count: number) =>
  new UserError(
    'AnnotationsUnclear',
    `${path}: line ${line} has ${count} numbers. They may be a polygon, an oriented box or something else: ` +
      'name what the lines are with `--task segment`, `--task obb` or `--task detect`. Keypoints need "kpt_shape" in data.yaml.',
  );
