import { UserError } from '../../errors.ts';
import type { FileRef } from '../../sources/files.ts';
import type { InvalidReason } from '../formats/format.ts';
import type { AnnotationFiles } from './annotation-files.ts';
import type { TextPosition } from './csv-records.ts';
import { InvalidValue } from './invalid-value.ts';
import { type JsonObject, parseObject } from './json-object.ts';
import { decodeUtf8 } from './text.ts';
import { readTextStart } from './text-start.ts';

/** The longest line that is read. */
export const MAX_LINE_BYTES = 8 << 20;

export interface JsonLine {
  /** Undefined if the line has a problem. */
  value?: JsonObject;
  problem?: { reason: InvalidReason; message: string };
  line: number;
  bytes: number;
  /** The place behind it. */
  next: TextPosition;
}

/**
 * The objects of a JSON Lines file, from a place between two lines on. Blank lines are left out.
 *
 * @throws UserError AnnotationsBroken if it is empty, UTF-16, or a JSON array
 * @throws FileUnavailableError
 */
export async function* jsonLines(
  files: AnnotationFiles,
  file: FileRef,
  start?: TextPosition,
): AsyncGenerator<JsonLine> {
  const { head, bom } = await readTextStart(files, file);
  if (head.toString('latin1', bom).trimStart().startsWith('['))
    throw new UserError('AnnotationsBroken', `${file.path}: line 1, column 1: it is one list, not an object a line.`);

  let { offset, line } = start ?? { offset: bom, line: 1 };
  /** The beginning of the line at `offset`, as far as it is kept. */
  let kept: Buffer[] = [];
  let length = 0;

  function ended(part: Buffer, lineEnd: number): JsonLine | undefined {
    const bytes = length + part.length + lineEnd;
    const text = bytes - lineEnd > MAX_LINE_BYTES ? undefined : Buffer.concat([...kept, part]);
    kept = [];
    length = 0;
    offset += bytes;
    line += 1;
    const found = { line: line - 1, bytes, next: { offset, line } };
    if (text === undefined) return { ...found, problem: malformed(`The line has more than ${MAX_LINE_BYTES} bytes.`) };
    const read = parsed(text);
    return read && { ...found, ...read };
  }

  for await (const piece of files.stream(file, offset)) {
    let at = 0;
    for (let end = piece.indexOf(LF); end !== -1; end = piece.indexOf(LF, at)) {
      const found = ended(piece.subarray(at, end), 1);
      at = end + 1;
      if (found !== undefined) yield found;
    }
    const rest = piece.subarray(at);
    length += rest.length;
    if (length <= MAX_LINE_BYTES) kept.push(rest);
    else kept = [];
  }
  const last = length > 0 ? ended(Buffer.alloc(0), 0) : undefined;
  if (last !== undefined) yield last;
}

const LF = 10;

const malformed = (message: string) => ({ reason: 'malformed' as const, message });

/** Undefined for a blank line. */
function parsed(line: Buffer): Pick<JsonLine, 'value' | 'problem'> | undefined {
  const text = decodeUtf8(line);
  if (text === undefined) return { problem: { reason: 'bad_encoding', message: 'The line is not UTF-8.' } };
  if (text.trim() === '') return undefined;
  try {
    return { value: parseObject(text) };
  } catch (error) {
    if (error instanceof InvalidValue) return { problem: error };
    throw error;
  }
}
