import { lstat, open, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeError } from '../artifact/write-durably.ts';
import { FileUnavailableError, type OpenFile } from '../sources/source.ts';
import type { ExportRequest, ExportSample } from './export-request.ts';
import type { TargetFolder } from './target-folder.ts';

const COPY_BYTES = 1 << 20;

/** Copies keep the time of their files. Systems round it differently. */
const SAME_TIME_MS = 2;

/**
 * Copies a sample's file, or makes a symbolic link to it, unless an attempt before has. A copy is byte-equal, with its
 * EXIF orientation.
 *
 * @param path its path below the target
 * @returns false if the file can't be read, or has no path that a link could lead to
 * @throws Error if the target can't be written
 */
export async function placeImage(
  { file }: ExportSample,
  path: string,
  folder: TargetFolder,
  { images, open: openFile, signal }: ExportRequest,
): Promise<boolean> {
  const place = join(folder.path, path);
  let opened: OpenFile;
  try {
    opened = await openFile(file);
  } catch (error) {
    if (!(error instanceof FileUnavailableError)) throw error;
    await rm(place, { force: true });
    return false;
  }
  try {
    const where = { path, place, folder, signal };
    const isPlaced = await (images === 'link' ? link(opened, where) : copy(opened, where));
    if (isPlaced) folder.keep(path);
    else await rm(place, { force: true });
    return isPlaced;
  } catch (error) {
    throw writeError(place, error);
  } finally {
    await opened.close();
  }
}

interface Where {
  /** Below the target, and in full. */
  path: string;
  place: string;
  folder: TargetFolder;
  signal: AbortSignal;
}

/** @returns false if the file has no path */
async function link({ local }: OpenFile, { path, place, folder }: Where): Promise<boolean> {
  if (local === undefined) return false;
  const there = await readlink(place, { encoding: 'buffer' }).catch(() => undefined);
  if (there?.equals(local.path)) return true;
  const beside = folder.beside();
  await symlink(local.path, beside);
  await folder.move(beside, path);
  return true;
}

/** @returns false if the file can't be read to the end that it had when it was opened */
async function copy(file: OpenFile, { path, place, folder, signal }: Where): Promise<boolean> {
  const seconds = Number(file.mtimeNs) / 1e9;
  const there = await lstat(place).catch(() => undefined);
  if (there?.isFile() && there.size === file.size && Math.abs(there.mtimeMs - seconds * 1000) < SAME_TIME_MS)
    return true;
  const beside = folder.beside();
  const copied = await open(beside, 'wx');
  let position = 0;
  try {
    const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, Math.max(1, file.size)));
    while (position < file.size) {
      signal.throwIfAborted();
      const read = await file.read(buffer, position).catch(() => 0);
      if (read === 0) break;
      await copied.writeFile(buffer.subarray(0, Math.min(read, file.size - position)));
      position += read;
    }
    await copied.utimes(seconds, seconds);
    await copied.sync();
  } finally {
    await copied.close();
  }
  if (position < file.size) return false;
  await folder.move(beside, path);
  return true;
}
