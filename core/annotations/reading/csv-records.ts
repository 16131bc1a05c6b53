import { isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse';
import { UserError } from '../../errors.ts';
import type { FileRef } from '../../sources/files.ts';
import type { InvalidReason } from '../formats/format.ts';
import type { AnnotationFiles } from './annotation-files.ts';
import { readTextStart } from './text-start.ts';

/** The largest record. A quote that is never closed would take in the rest of the file. */
export const MAX_RECORD_BYTES = 1 << 20;

/** What the parser gets at a time. After each, the record that it is in is measured. */
const CHUNK_BYTES = 1 << 16;

/** A place between two records. */
export interface TextPosition {
  /** In bytes. */
  offset: number;
  /** Of the record that follows, from 1. */
  line: number;
}

export interface CsvRecord {
  /** Empty if the record has a problem. */
  cells: string[];
  problem?: { reason: InvalidReason; message: string };
  /** Where it begins, from 1. */
  line: number;
  bytes: number;
  /** The place behind it. */
  next: TextPosition;
}

export interface CsvHeader {
  /** The names of the columns, without the space around them. */
  names: string[];
  delimiter: string;
  /** The place of the first record. */
  next: TextPosition;
}

/**
 * Reads the header. The delimiter is whichever of comma, semicolon and tab the first line has most often.
 *
 * @throws UserError AnnotationsBroken if there is none
 * @throws FileUnavailableError
 */
export async function readCsvHeader(files: AnnotationFiles, file: FileRef): Promise<CsvHeader> {
  const { head, bom } = await readTextStart(files, file);
  const delimiter = delimiterOf(head.subarray(bom, CHUNK_BYTES).toString('latin1'));
  for await (const { cells, problem, line, next } of csvRecords(files, file, delimiter, { offset: bom, line: 1 })) {
    if (problem !== undefined)
      throw new UserError('AnnotationsBroken', `${file.path}: line ${line}, column 1: the header: ${problem.message}`);
    return { names: cells.map((cell) => cell.trim()), delimiter, next };
  }
  throw new UserError('AnnotationsBroken', `${file.path}: line 1, column 1: the file has no header.`);
}

function delimiterOf(text: string): string {
  // Delimiters in quoted names are none.
  const [line = ''] = text
    .replaceAll(/"[^"]*"/g, '')
    .trimStart()
    .split(/[\r\n]/);
  const times = (delimiter: string) => line.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, one) => (times(one) > times(best) ? one : best));
}

/**
 * The records of a CSV file from a place between two records on: RFC 4180, with any line ends. A quote inside an
 * unquoted cell is a character. Records without a word are left out.
 *
 * @throws UserError AnnotationsBroken if a record is larger than MAX_RECORD_BYTES, or a quote is never closed
 * @throws FileUnavailableError
 */
export async function* csvRecords(
  files: AnnotationFiles,
  file: FileRef,
  delimiter: string,
  start: TextPosition,
): AsyncGenerator<CsvRecord> {
  let found: { cells: string[]; end: number }[] = [];
  const parser = parse({
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: 0,
    // Records are taken here. The parser's own output stays empty, and never fills up.
    on_record(cells: string[], { bytes }) {
      found.push({ cells, end: start.offset + bytes });
      return null;
    },
  });
  parser.on('error', () => {});
  let { offset, line } = start;
  /** The bytes from `offset` on. */
  let pending: Buffer = Buffer.alloc(0);

  function* taken(): Generator<CsvRecord> {
    for (const { cells, end } of found) {
      const raw = pending.subarray(0, end - offset);
      const blank = raw.findIndex((byte) => byte !== LF && byte !== CR);
      const first = line + linesIn(raw.subarray(0, blank));
      if (raw.length - blank > MAX_RECORD_BYTES) throw tooLarge(first);
      pending = pending.subarray(raw.length);
      offset = end;
      line += linesIn(raw);
      const problem = problemOf(raw);
      if (cells.some((cell) => cell.trim() !== ''))
        yield {
          cells: problem ? [] : cells,
          ...(problem && { problem }),
          line: first,
          bytes: raw.length,
          next: { offset, line },
        };
    }
    found = [];
  }
  const tooLarge = (at: number) =>
    new UserError(
      'AnnotationsBroken',
      `${file.path}: line ${at}, column 1: the record that begins here has more than ${MAX_RECORD_BYTES} bytes. ` +
        'Is a quote never closed?',
    );

  const done = (write: (callback: (error?: Error | null) => void) => void) =>
    new Promise<void>((resolve, reject) => write((error) => (error ? reject(broken(error)) : resolve())));
  const broken = (error: Error) =>
    new UserError(
      'AnnotationsBroken',
      `${file.path}: line ${line}, column 1: the record that begins here can not be read: ${error.message}`,
    );

  try {
    for await (const piece of files.stream(file, start.offset)) {
      for (let at = 0; at < piece.length; at += CHUNK_BYTES) {
        const chunk = piece.subarray(at, at + CHUNK_BYTES);
        pending = Buffer.concat([pending, chunk]);
        await done((callback) => parser.write(chunk, callback));
        yield* taken();
        if (pending.length > MAX_RECORD_BYTES + CHUNK_BYTES) throw tooLarge(line);
      }
    }
    await done((callback) => parser.end(callback));
    yield* taken();
  } finally {
    parser.destroy();
  }
}

const LF = 10;
const CR = 13;

function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = 0; at < bytes.length; at += 1)
    if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] !== LF)) lines += 1;
  return lines;
}

function problemOf(raw: Buffer): CsvRecord['problem'] {
  if (!isUtf8(raw)) return { reason: 'bad_encoding', message: 'The row is not UTF-8.' };
  if (raw.includes(0)) return { reason: 'malformed', message: 'The row has a NUL byte.' };
  return undefined;
}
