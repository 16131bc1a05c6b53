import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ItemError } from '../../item-error.ts';
import { type DocumentLimits, tooManyBytes } from '../document-limits.ts';
import type { DocumentInput } from './messages.ts';

/** Non-blocking, because a pipe that took a file's name would block a thread. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

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
  let file: FileHandle | undefined;
  try {
    file = await open(typeof input.path === 'string' ? input.path : Buffer.from(input.path), OPEN_FLAGS);
    const found = await file.stat();
    if (!found.isFile()) throw new ItemError('not_a_file', 'this is not a regular file');
    checkSize(found.size, limits);
    return await readUpTo(file, found.size);
  } catch (error) {
    throw readError(error);
  } finally {
    await file?.close();
  }
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

function readError(error: unknown): unknown {
  if (error instanceof ItemError) return error;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new ItemError('file_not_found', 'the file is no longer there');
    case 'EACCES':
    case 'EPERM':
      return new ItemError('permission_denied', 'no permission to read the file');
    case 'EISDIR':
    case 'ENXIO':
      return new ItemError('not_a_file', 'this is not a regular file');
    default:
      return new ItemError('io_error', `the file could not be read: ${(error as Error).message}`);
  }
}
