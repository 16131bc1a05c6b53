import { UserError } from '../../errors.ts';
import type { AnnotationFiles } from '../reading/annotation-files.ts';
import { csvRecords, readCsvHeader, type TextPosition } from '../reading/csv-records.ts';
import { type JsonLine, jsonLines } from '../reading/json-lines.ts';
import { createStepBuilder } from '../reading/steps.ts';
import { raggedness } from './csv.ts';
import type { AnnotationFormat, ReadRequest, ReadStep } from './format.ts';
import { addHuggingFaceRow } from './huggingface-row.ts';

/**
 * Hugging Face's ImageFolder: `metadata.csv` or `metadata.jsonl` beside the images, or one in each folder of a split.
 * https://huggingface.co/docs/datasets/image_dataset. Rows are described in huggingface-row.ts.
 */
export const huggingface: AnnotationFormat = { name: 'huggingface', read };

/** A place in a file. Files are read in the order of their paths' bytes. */
interface Cursor extends TextPosition {
  path: string;
}

const isMetadata = (name: string) => name === 'metadata.csv' || name === 'metadata.jsonl';

/** @throws UserError AnnotationsBroken, also if a folder has no such file */
async function* read({ path, files, from }: ReadRequest): AsyncGenerator<ReadStep> {
  const cursor = from as Cursor | undefined;
  if ((await files.kindOf(path)) === 'file') {
    yield* readFile(files, path, path.slice(0, path.lastIndexOf('/')), cursor);
    return;
  }
  let found = cursor !== undefined;
  if (cursor !== undefined) yield* readFile(files, cursor.path, path, cursor);
  for await (const listed of files.list(path, isMetadata, cursor?.path)) {
    for (const file of listed) {
      found = true;
      yield* readFile(files, file.path, path);
    }
  }
  if (!found)
    throw new UserError('AnnotationsBroken', `${path}: the folder has no metadata.csv and no metadata.jsonl.`);
}

async function* readFile(
  files: AnnotationFiles,
  path: string,
  root: string,
  from?: TextPosition,
): AsyncGenerator<ReadStep> {
  const step = createStepBuilder();
  const rows = path.toLowerCase().endsWith('.csv') ? csvRows(files, path, from) : jsonLines(files, path, from);
  let cursor: Cursor | undefined;
  for await (const { value, problem, line, bytes, next } of rows) {
    cursor = { path, ...next };
    step.count(bytes);
    if (problem !== undefined) step.addInvalid({ ...problem, file: path, line });
    if (value !== undefined) addHuggingFaceRow(step, { file: path, line }, value, root);
    if (step.isFull) yield step.take(cursor);
  }
  if (!step.isEmpty) yield step.take(cursor);
}

/** Rows as objects of text. Empty cells are left out. */
async function* csvRows(files: AnnotationFiles, path: string, from?: TextPosition): AsyncGenerator<JsonLine> {
  const { names, delimiter, next } = await readCsvHeader(files, path);
  if (!names.some((name) => name === 'file_name' || name.endsWith('_file_name')))
    throw new UserError('AnnotationsBroken', `${path}: line 1, column 1: no column has the name file_name.`);
  for await (const { cells, ...record } of csvRecords(files, path, delimiter, from ?? next)) {
    const problem = record.problem ?? raggedness(cells, names.length);
    if (problem !== undefined) yield { ...record, problem };
    else {
      const said = names.map((name, index) => [name, cells[index] ?? ''] as const).filter(([, cell]) => cell !== '');
      yield { ...record, value: Object.fromEntries(said) };
    }
  }
}
