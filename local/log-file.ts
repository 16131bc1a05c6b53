import { existsSync, fchmodSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

const ROTATE_AT_BYTES = 16 * 1024 * 1024;
const TAIL_BYTES = 16 * 1024;

/** Opens a log for appending, as a file descriptor for a child. A large log is first renamed to `<file>.1`. */
export function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file) && statSync(file).size > ROTATE_AT_BYTES) renameSync(file, `${file}.1`);
  const log = openSync(file, 'a', 0o600);
  fchmodSync(log, 0o600);
  return log;
}

/** Reads the last lines of a log after byte `since`, for an error message. */
export async function lastLines(file: string, count: number, since = 0): Promise<string[]> {
  const handle = await open(file).catch(() => undefined);
  if (!handle) return [];
  try {
    const { size } = await handle.stat();
    const start = Math.max(since > size ? 0 : since, size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').filter(Boolean).slice(-count);
  } finally {
    await handle.close();
  }
}
