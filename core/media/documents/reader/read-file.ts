import type { FileHandle } from 'node:fs/promises';
import { withFile } from '../../with-file.ts';
import { type DocumentLimits, tooManyBytes } from '../document-limits.ts';
import type { DocumentInput } from './messages.ts';

/**
 * The bytes of a document. A file that is larger than the limit is not read.
 *
 * @throws ItemError document_too_large, file_not_found, permission_denied, not_a_file, io_error
 */
export async function readDocument(input: DocumentInput, limits: DocumentLimits): Promise<Buffer> {
  if ('bytes' in input) {
    checkSize(input.bytes.length, limits);
    const { buffer, byteOffset, byteLength } = input.bytes;
    return Buffer.from(buffer, byteOffset, byteLength);
  }
  return withFile(input.path, (file, size) => {
    checkSize(size, limits);
    return readUpTo(file, size);
  });
}

/** A file that grows meanwhile is read up to the size that was checked. */
async function readUpTo(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let length = 0;
  for (let read = -1; read !== 0 && length < size; length += read)
    ({ bytesRead: read } = await file.read(bytes, length, size - length, length));
  return bytes.subarray(0, length);
}

function checkSize(bytes: number, limits: DocumentLimits): void {
  if (bytes > limits.maxBytes) throw tooManyBytes(bytes, limits);
}
