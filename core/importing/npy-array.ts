import { unreadable, type VectorFile } from './vector-file.ts';
import { MAX_DIM } from './vector-row.ts';

/** An array of two dimensions in a NumPy file. */
export interface NpyArray {
  rows: number;
  columns: number;
  /** Bytes of a number: 4 for float32, 8 for float64. */
  width: 4 | 8;
  /** Where the numbers begin, in bytes. */
  start: number;
}

const MAGIC = '\x93NUMPY';
const WIDTHS: Readonly<Record<string, 4 | 8>> = { '<f4': 4, '<f8': 8 };
/** A header of two dimensions has a hundred bytes. NumPy itself refuses headers beyond 10,000. */
const LONGEST_HEADER = 10_000;

/**
 * Reads the header of a NumPy file, version 1.0 or 2.0.
 *
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * @throws UserError VectorsUnreadable unless it is a whole array of two dimensions of float32 or float64 in C order
 */
export async function readNpyHeader(file: VectorFile): Promise<NpyArray> {
  const { path, size } = file;
  const fail = (why: string) => unreadable(path, why);
  const head = await file.read(0, Math.min(12, size));
  if (head.toString('latin1', 0, 6) !== MAGIC) throw fail('it is no NumPy file: it does not begin with \\x93NUMPY');
  const major = head[6];
  if (major !== 1 && major !== 2) throw fail(`its format has version ${major}, and 1 and 2 are read`);
  const before = major === 1 ? 10 : 12;
  if (size < before) throw fail('it ends within its header');
  const length = major === 1 ? head.readUInt16LE(8) : head.readUInt32LE(8);
  if (length > LONGEST_HEADER) throw fail(`its header has ${length} bytes, and ${LONGEST_HEADER} may be`);
  const text = (await file.read(before, length)).toString('latin1');
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (order === undefined || shape === undefined) throw fail('its header is not that of an array');
  const width = WIDTHS[descr ?? ''];
  if (width === undefined)
    throw fail(`its numbers are ${descr ?? 'records'}, and <f4 and <f8 are read: array.astype('float32')`);
  if (order === 'True') throw fail('it is in Fortran order: write numpy.ascontiguousarray(array)');
  const sizes = shape.split(',').flatMap((each) => (each.trim() === '' ? [] : [Number(each)]));
  const [rows, columns] = sizes;
  if (sizes.length !== 2 || rows === undefined || columns === undefined)
    throw fail(`its shape is (${shape.trim()}), and it must have two dimensions: a row for each sample`);
  if (columns < 1 || columns > MAX_DIM) throw fail(`its rows have ${columns} numbers, and 1 to ${MAX_DIM} may be`);
  const start = before + length;
  const bytes = rows * columns * width;
  if (start + bytes !== size)
    throw fail(`it has ${size - start} bytes of numbers, and its shape (${rows}, ${columns}) needs ${bytes}`);
  return { rows, columns, width, start };
}

/** The numbers of some rows. */
export async function readNpyRows(
  file: VectorFile,
  { columns, width, start }: NpyArray,
  from: number,
  count: number,
): Promise<(Float32Array | Float64Array)[]> {
  const rowBytes = columns * width;
  const { buffer, byteOffset } = await file.read(start + from * rowBytes, count * rowBytes);
  // Both are little-endian, as are all machines that Node runs on.
  const List = width === 4 ? Float32Array : Float64Array;
  return Array.from(
    { length: count },
    (_, i) => new List(buffer.slice(byteOffset + i * rowBytes, byteOffset + (i + 1) * rowBytes)),
  );
}
