import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ItemError } from './item-error.ts';

/** Non-blocking, because a pipe that took a file's name would block a thread. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a file for as long as it is used. `size` is in bytes.
 *
 * @throws ItemError file_not_found, permission_denied, not_a_file, io_error, and what `use` throws
 */
export async function withFile<T>(
  path: string | Uint8Array,
  use: (file: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await open(typeof path === 'string' ? path : Buffer.from(path), OPEN_FLAGS);
    const found = await file.stat();
    if (!found.isFile()) throw new ItemError('not_a_file', 'this is not a regular file');
    return await use(file, found.size);
  } catch (error) {
    throw readError(error);
  } finally {
    await file?.close();
  }
}

function readError(error: unknown): unknown {
  if (error instanceof ItemError) return error;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new ItemError('file_not_found', 'the file is no longer there');
    case 'EACCES':
    case 'EPERM':
      return new ItemError('permission_denied', 'the file may not be read');
    case 'EISDIR':
    case 'ENXIO':
      return new ItemError('not_a_file', 'this is not a regular file');
    default:
      return new ItemError('io_error', `the file could not be read: ${(error as Error).message}`);
  }
}
