import type { AnnotationFiles } from '../annotations/reading/annotation-files.ts';
import { linesOf, problemOf, sampleNamed } from './json-rows.ts';
import { type NpyArray, readNpyRows } from './npy-array.ts';
import { unreadable, type VectorFile } from './vector-file.ts';
import { type RowCursor, type RowStep, rowsOfStep, type VectorRow } from './vector-row.ts';

/** What a row of an array is about. `at` is the place behind it. */
interface NamedRow {
  of: Pick<VectorRow, 'seq' | 'name' | 'problem'>;
  at: Omit<RowCursor, 'rows'>;
}

/** Joins the rows of an array with what they are about, which come in the same order. */
export async function* readNpySteps(
  file: VectorFile,
  array: NpyArray,
  names: AsyncIterable<NamedRow>,
  from: RowCursor,
): AsyncGenerator<RowStep> {
  const step = rowsOfStep(array.columns);
  let named: NamedRow[] = [];
  let row = from.rows;
  const take = async (): Promise<RowStep> => {
    const vectors = await readNpyRows(file, array, row, named.length);
    const rows = named.map(({ of }, i) => ({ row: row + i, ...of, vector: vectors[i] }));
    row += named.length;
    const cursor = { ...named.at(-1)?.at, rows: row };
    named = [];
    return { rows, cursor };
  };
  for await (const each of names) {
    if (row + named.length === array.rows) break;
    named.push(each);
    if (named.length === step) yield await take();
  }
  if (named.length > 0) yield await take();
}

/** What the lines of a JSON Lines file are about. Broken lines count, since rows are numbered. */
export async function* namesOfLines(files: AnnotationFiles, path: string, from: RowCursor): AsyncGenerator<NamedRow> {
  for await (const { value, problem, next } of linesOf(files, path, from))
    yield { of: value === undefined ? { problem: problemOf(problem) } : sampleNamed(value), at: next };
}

/** Samples in the order of their numbers. */
export async function* namesOfSeqs(seqs: readonly number[]): AsyncGenerator<NamedRow> {
  for (const seq of seqs) yield { of: { seq }, at: {} };
}

/** Requires that a file has a line for each row. @throws UserError VectorsUnreadable */
export async function requireLines(
  files: AnnotationFiles,
  path: string,
  rows: number,
  onStep: () => void,
): Promise<void> {
  let lines = 0;
  for await (const _ of linesOf(files, path, { rows: 0 })) {
    lines += 1;
    if (lines % 10_000 === 0) onStep();
  }
  if (lines !== rows)
    throw unreadable(
      path,
      `it has ${lines} lines, and the array has ${rows} rows: each row needs the line of its sample`,
    );
}
