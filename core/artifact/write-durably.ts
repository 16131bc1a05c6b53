import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors.ts';

/**
 * Writes a file beside its place and moves it there once it is on the disk. Whatever happens, the place has what was
 * there before or the whole new file. `beside` is in the same file system.
 *
 * @throws Error that says what to do if the disk is full
 */
export async function writeDurably(
  path: string,
  write: (file: FileHandle) => Promise<void>,
  beside = `${path}.${randomUUID()}.tmp`,
): Promise<void> {
  try {
    const file = await open(beside, 'wx');
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(beside, { force: true });
    throw writeError(path, error);
  }
}

/** What to tell of a failed write: what to do if the disk is full. Returns any other error as it is. */
export function writeError(path: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EFBIG') return error;
  return new Error(`${path} can't be written: the disk is full (${code}). Make room and try again.`, { cause: error });
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
