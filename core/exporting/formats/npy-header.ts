/** Room for any shape of two dimensions, so that a header can be written before the shape is known. */
const HEADER_BYTES = 128;

/**
 * The header of a NumPy file, version 1.0, of an array in C order. It always has 128 bytes.
 *
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * @param type as NumPy writes it: `<f4` for float32
 */
export function npyHeader(type: '<f4' | '|b1', shape: readonly [rows: number, columns: number]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES, ' ');
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(HEADER_BYTES - 10, 8);
  header.write(`{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`, 10, 'latin1');
  header.write('\n', HEADER_BYTES - 1);
  return header;
}
