import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type { ImportVectorsInput } from '../../contract/inputs.ts';
import { annotationFiles } from '../annotations/reading/annotation-files.ts';
import { UserError } from '../errors.ts';
import type { Sources } from '../sources/source.ts';
import { seqsOf } from '../store/imports.ts';
import type { Store } from '../store/store.ts';
import { readJsonRows } from './json-rows.ts';
import { readNpyHeader } from './npy-array.ts';
import { namesOfLines, namesOfSeqs, readNpySteps, requireLines } from './npy-rows.ts';
import { readParquetRows, readParquetTable } from './parquet-rows.ts';
import { openVectorFile, unreadable, type VectorFile } from './vector-file.ts';
import type { VectorReader } from './vector-row.ts';

/** A file of vectors, and how its rows name their samples. */
export type VectorSource = Pick<ImportVectorsInput, 'dataset' | 'path' | 'samples' | 'by_seq'>;

export interface OpenReader extends VectorReader {
  close(): Promise<void>;
}

/**
 * Opens a file of vectors, whose kind its name tells.
 *
 * @param onStep called now and then while the lines of a large file are counted
 * @throws UserError VectorsUnreadable; InvalidInput if the rows of an array have no names
 */
export async function openReader(
  store: Store,
  sources: Sources,
  source: VectorSource,
  onStep: () => void,
): Promise<OpenReader> {
  const file = await openVectorFile(sources, source.path);
  try {
    const reader = await readerOf(store, sources, source, file, onStep);
    return { ...reader, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readerOf(
  store: Store,
  sources: Sources,
  { dataset, path, samples, by_seq }: VectorSource,
  file: VectorFile,
  onStep: () => void,
): Promise<VectorReader> {
  const { fingerprint } = file;
  const files = annotationFiles(sources);
  if (/\.npy$/i.test(path)) {
    const array = await readNpyHeader(file);
    const { rows: total, columns: dim } = array;
    if (by_seq) {
      // Read once: a sample that is removed meanwhile must not move the rows behind it to others.
      const seqs = await seqsOf(store, dataset);
      const count = seqs.length;
      if (count !== total)
        throw new UserError(
          'InvalidInput',
          `by_seq: ${path} has ${total} rows, and ${dataset} has ${count} samples. ` +
            'Name the sample of each row in a JSON Lines file: --samples FILE.jsonl',
          { fields: ['by_seq'] },
        );
      return {
        total,
        dim,
        fingerprint: `${fingerprint} ${hashOf(seqs)}`,
        read: (from) => readNpySteps(file, array, namesOfSeqs(seqs.slice(from.rows)), from),
      };
    }
    const names = await openNames(sources, path, samples);
    await requireLines(files, names.path, total, onStep);
    return {
      total,
      dim,
      fingerprint: `${fingerprint} ${names.fingerprint}`,
      read: (from) => readNpySteps(file, array, namesOfLines(files, names.path, from), from),
    };
  }
  if (/\.parquet$/i.test(path)) {
    const table = await readParquetTable(file);
    return { total: table.rows, fingerprint, read: (from) => readParquetRows(file, table, from) };
  }
  return { fingerprint, read: (from) => readJsonRows(files, path, from) };
}

const hashOf = (seqs: readonly number[]) => createHash('sha256').update(Float64Array.from(seqs)).digest('hex');

/** The file that names the samples of an array. */
async function openNames(sources: Sources, array: string, named: string | undefined) {
  const path = named ?? `${dirname(array)}/samples.jsonl`;
  try {
    const { fingerprint, close } = await openVectorFile(sources, path);
    await close();
    return { path, fingerprint };
  } catch (error) {
    if (named !== undefined || !(error instanceof UserError)) throw error;
    throw unreadable(
      array,
      `nothing says which samples its rows are of: there is no ${path} that can be read. Name such a file ` +
        '(--samples FILE.jsonl), or say that the rows are all samples in the order of their numbers (--by-seq)',
      error,
    );
  }
}
