import { UserError } from '../../errors.ts';
import type { FileRef } from '../../sources/files.ts';
import { FileUnavailableError } from '../../sources/source.ts';
import type { AnnotationFiles } from '../reading/annotation-files.ts';
import { csvRecords, readCsvHeader, type TextPosition } from '../reading/csv-records.ts';
import { type JsonLine, jsonLines } from '../reading/json-lines.ts';
import { fileOfKept, type KeptFile, keptFile } from '../reading/kept-file.ts';
import { folderOf } from '../reading/paths.ts';
import { createStepBuilder } from '../reading/steps.ts';
import { raggedness } from './csv.ts';
import type { AnnotationFormat, ReadRequest, ReadStep } from './format.ts';
import { addHuggingFaceRow } from './huggingface-row.ts';

/**
 * Hugging Face's ImageFolder: `metadata.csv` or `metadata.jsonl` beside the images, or one in each folder of a split.
 * https://huggingface.co/docs/datasets/image_dataset. Rows are described in huggingface-row.ts.
 */
export const huggingface: AnnotationFormat = { name: 'huggingface', read };

/** Where a reading has come to. Files are read in the order of their paths' bytes. */
interface Cursor {
  file: KeptFile;
  /** Left out if the file is passed over. */
  at?: TextPosition;
}

const isMetadata = (name: string) => name === 'metadata.csv' || name === 'metadata.jsonl';

/**
 * A file of a folder that can't be read is an invalid annotation.
 *
 * @throws UserError AnnotationsBroken, also if a folder has no such file
 * @throws FileUnavailableError if the file was named itself and can't be read
 */
async function* read({ path, files, from }: ReadRequest): AsyncGenerator<ReadStep> {
  const cursor = from as Cursor | undefined;
  if ((await files.kindOf(path)) !== 'folder') {
    yield* readFile(files, { path }, folderOf(path), cursor?.at);
    return;
  }
  if (cursor?.at !== undefined) yield* readFileOfFolder(files, fileOfKept(cursor.file), path, cursor.at);
  let found = cursor !== undefined;
  for await (const listed of files.list(path, isMetadata, cursor?.file.path)) {
    for (const file of listed) {
      found = true;
      yield* readFileOfFolder(files, file, path);
    }
  }
  if (!found)
    throw new UserError('AnnotationsBroken', `${path}: the folder has no metadata.csv and no metadata.jsonl.`);
}

async function* readFileOfFolder(
  files: AnnotationFiles,
  file: FileRef,
  root: string,
  from?: TextPosition,
): AsyncGenerator<ReadStep> {
  try {
    yield* readFile(files, file, root, from);
  } catch (error) {
    if (!(error instanceof FileUnavailableError)) throw error;
    const step = createStepBuilder();
    step.addInvalid({ reason: 'unreadable_file', file: file.path, message: error.message });
    yield step.take({ file: keptFile(file) } satisfies Cursor);
  }
}

async function* readFile(
  files: AnnotationFiles,
  file: FileRef,
  root: string,
  from?: TextPosition,
): AsyncGenerator<ReadStep> {
  const { path } = file;
  const step = createStepBuilder();
  const rows = path.toLowerCase().endsWith('.csv') ? csvRows(files, file, from) : jsonLines(files, file, from);
  let cursor: Cursor | undefined;
  for await (const { value, problem, line, bytes, next } of rows) {
    cursor = { file: keptFile(file), at: next };
    step.count(bytes);
    if (problem !== undefined) step.addInvalid({ ...problem, file: path, line });
    if (value !== undefined) addHuggingFaceRow(step, { file: path, line }, value, root);
    if (step.isFull) yield step.take(cursor);
  }
  if (!step.isEmpty) yield step.take(cursor);
}

/** Rows as objects of text. Empty cells are left out. */
async function* csvRows(files: AnnotationFiles, file: FileRef, from?: TextPosition): AsyncGenerator<JsonLine> {
  const { names, delimiter, next } = await readCsvHeader(files, file);
  if (!names.some((name) => name === 'file_name' || name.endsWith('_file_name')))
    throw new UserError('AnnotationsBroken', `${file.path}: line 1, column 1: no column has the name file_name.`);
  for await (const { cells, ...record } of csvRecords(files, file, delimiter, from ?? next)) {
    const problem = record.problem ?? raggedness(cells, names.length);
    if (problem !== undefined) yield { ...record, problem };
    else {
      const said = names.map((name, index) => [name, cells[index] ?? ''] as const).filter(([, cell]) => cell !== '');
      yield { ...record, value: Object.fromEntries(said) };
    }
  }
}
