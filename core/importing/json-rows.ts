import type { AnnotationFiles } from '../annotations/reading/annotation-files.ts';
import { type JsonLine, jsonLines } from '../annotations/reading/json-lines.ts';
import { UserError } from '../errors.ts';
import { FileUnavailableError } from '../sources/source.ts';
import { unreadable } from './vector-file.ts';
import { type RowCursor, type RowProblem, type RowStep, rowsOfStep, type VectorRow } from './vector-row.ts';

/** The names under which a line names its file, the first that is there counts. */
const PATHS = ['filepath', 'path', 'file_name'];

/** What a line or a row says of its sample. */
export function sampleNamed(value: Readonly<Record<string, unknown>>): Pick<VectorRow, 'seq' | 'name' | 'problem'> {
  const { seq } = value;
  const number = typeof seq === 'bigint' ? Number(seq) : seq;
  const name = PATHS.map((each) => (Object.hasOwn(value, each) ? value[each] : undefined)).find(
    (each) => each !== undefined && each !== null,
  );
  const hasSeq = number !== undefined && number !== null;
  if (hasSeq && !(Number.isSafeInteger(number) && (number as number) >= 0))
    return { problem: noSample(`seq is ${shown(seq)}, not a whole number from 0 on.`) };
  if (name !== undefined && typeof name !== 'string')
    return { problem: noSample(`The path is ${shown(name)}, not a text.`) };
  if (!hasSeq && name === undefined) return { problem: noSample('It names no sample: it has no seq and no filepath.') };
  return { seq: hasSeq ? (number as number) : undefined, name };
}

const noSample = (message: string): RowProblem => ({ reason: 'no_sample', message });

const shown = (value: unknown): string =>
  typeof value === 'bigint' ? String(value) : String(JSON.stringify(value)).slice(0, 100);

/** The lines of a JSON Lines file of vectors. */
export async function* readJsonRows(files: AnnotationFiles, path: string, from: RowCursor): AsyncGenerator<RowStep> {
  let rows: VectorRow[] = [];
  let numbers = 0;
  let cursor = from;
  for await (const line of linesOf(files, path, from)) {
    const row = rowOf(line);
    rows.push(row);
    numbers += Array.isArray(row.vector) ? row.vector.length : 0;
    cursor = { rows: cursor.rows + 1, ...line.next };
    if (rows.length < rowsOfStep(Math.max(1, numbers / rows.length))) continue;
    yield { rows, cursor };
    rows = [];
    numbers = 0;
  }
  if (rows.length > 0) yield { rows, cursor };
}

function rowOf({ value, problem, line }: JsonLine): VectorRow {
  if (value === undefined) return { row: line, problem: problemOf(problem) };
  return { row: line, ...sampleNamed(value), vector: Object.hasOwn(value, 'vector') ? value.vector : undefined };
}

/** The problem of a line that is no object. */
export function problemOf(problem: JsonLine['problem']): RowProblem {
  const { reason, message } = problem ?? { reason: 'malformed', message: 'The line is no JSON object.' };
  return { reason: reason === 'bad_encoding' ? 'bad_encoding' : 'malformed', message };
}

/** The lines of a JSON Lines file from a place on. @throws UserError VectorsUnreadable */
export async function* linesOf(files: AnnotationFiles, path: string, from: RowCursor): AsyncGenerator<JsonLine> {
  const { offset, line } = from;
  const start = offset === undefined || line === undefined ? undefined : { offset, line };
  try {
    yield* jsonLines(files, { path }, start);
  } catch (error) {
    if (error instanceof FileUnavailableError) throw unreadable(path, error.message, error);
    if (error instanceof UserError && error.code === 'AnnotationsBroken')
      throw new UserError('VectorsUnreadable', error.message, { cause: error });
    throw error;
  }
}
