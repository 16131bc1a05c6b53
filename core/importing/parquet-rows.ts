import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from 'hyparquet';
import { sampleNamed } from './json-rows.ts';
import { unreadable, type VectorFile } from './vector-file.ts';
import { type RowCursor, type RowStep, rowsOfStep } from './vector-row.ts';

/** Columns that are read, where they are there. */
const COLUMNS = ['seq', 'filepath', 'path', 'file_name', 'vector'];

/** A row group is held as a whole, and its numbers take up to five times as much. */
const LARGEST_GROUP = 256 << 20;

/** What Node can decompress, besides Snappy. No page may be larger than it says. */
const compressors: Compressors = {
  GZIP: (input, maxOutputLength) => gunzipSync(input, { maxOutputLength }),
  BROTLI: (input, maxOutputLength) => brotliDecompressSync(input, { maxOutputLength }),
  ZSTD: (input, maxOutputLength) => zstdDecompressSync(input, { maxOutputLength }),
};

/** A Parquet file whose columns were looked at. */
export interface ParquetTable {
  metadata: FileMetaData;
  rows: number;
  /** Those of COLUMNS that it has. */
  columns: string[];
}

/**
 * Reads what a Parquet file says of itself.
 *
 * @throws UserError VectorsUnreadable if it has no column of vectors or none that names samples, or too large row groups
 */
export async function readParquetTable(file: VectorFile): Promise<ParquetTable> {
  const metadata = await guarded(file, () => parquetMetadataAsync(bufferOf(file)));
  const has = new Set(metadata.row_groups.flatMap(topColumns));
  const columns = COLUMNS.filter((name) => has.has(name));
  const rows = Number(metadata.num_rows);
  if (rows === 0) return { metadata, rows, columns: [] };
  if (!columns.includes('vector')) throw unreadable(file.path, 'it has no column vector');
  if (columns.length === 1) throw unreadable(file.path, 'it has no column seq or filepath, so no row names its sample');
  for (const group of metadata.row_groups) {
    const bytes = group.columns
      .filter(({ meta_data }) => columns.includes(meta_data?.path_in_schema[0] ?? ''))
      .reduce((sum, { meta_data }) => sum + Number(meta_data?.total_uncompressed_size ?? 0), 0);
    if (bytes > LARGEST_GROUP)
      throw unreadable(
        file.path,
        `a row group has ${Math.ceil(bytes / (1 << 20))} MiB, and ${LARGEST_GROUP / (1 << 20)} may be: ` +
          'write smaller ones, as with pyarrow.parquet.write_table(table, path, row_group_size=10_000)',
      );
  }
  return { metadata, rows, columns };
}

const topColumns = ({ columns }: FileMetaData['row_groups'][number]): string[] =>
  columns.flatMap(({ meta_data }) => meta_data?.path_in_schema[0] ?? []);

/** The rows of a Parquet file, one row group at a time. */
export async function* readParquetRows(
  file: VectorFile,
  { metadata, columns }: ParquetTable,
  from: RowCursor,
): AsyncGenerator<RowStep> {
  let groupStart = 0;
  for (const group of metadata.row_groups) {
    const groupEnd = groupStart + Number(group.num_rows);
    let row = Math.max(from.rows, groupStart);
    groupStart = groupEnd;
    if (row >= groupEnd) continue;
    const asked = { file: bufferOf(file), metadata, columns, compressors, rowStart: row, rowEnd: groupEnd };
    const found = await guarded(file, () => parquetReadObjects(asked));
    for (let at = 0; at < found.length; ) {
      const first = found[at]?.vector;
      const dim = isList(first) ? first.length : 1;
      const rows = found
        .slice(at, at + rowsOfStep(Math.max(1, dim)))
        .map((value, i) => ({ row: row + i, ...sampleNamed(value), vector: value.vector }));
      at += rows.length;
      row += rows.length;
      yield { rows, cursor: { rows: row } };
    }
  }
}

const isList = (value: unknown): value is ArrayLike<unknown> => Array.isArray(value) || ArrayBuffer.isView(value);

const bufferOf = (file: VectorFile): AsyncBuffer => ({
  byteLength: file.size,
  async slice(start, end = file.size) {
    const from = start < 0 ? file.size + start : start;
    const { buffer, byteOffset, byteLength } = await file.read(from, Math.min(end, file.size) - from);
    return buffer.slice(byteOffset, byteOffset + byteLength);
  },
});

/** The library says with an Error of no class that a file is broken. Failures of reading have one. */
async function guarded<T>({ path }: VectorFile, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Error && error.name !== 'VectorsUnreadable' && !('syscall' in error))
      throw unreadable(path, `it is no Parquet file that can be read: ${error.message.slice(0, 200)}`, error);
    throw error;
  }
}
