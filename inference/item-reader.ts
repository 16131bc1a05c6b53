import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createPermits } from '../core/concurrency/permits.ts';
import { ItemError } from '../core/media/item-error.ts';
import type { ItemInput } from '../core/media/preparation.ts';
import type { EncodeItem } from './messages.ts';

/** Larger files are hashed in pieces and left to the medium's decoder to open: they are not held in memory. */
const MOST_WHOLE_BYTES = 64 * 1024 * 1024;
/** Files being read and prepared at a time hold no more than this, a single large one excepted. */
const READING_BYTES = 256 * 1024 * 1024;
/** Content that is kept between its hash and its batch. What does not fit is read again. */
const KEPT_BYTES = 128 * 1024 * 1024;

/** A pipe that took a file's name must not hold up a thread until somebody writes to it. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Content to prepare, and its SHA-256 in hexadecimal digits. */
export interface ReadItem {
  input: ItemInput;
  content: string;
  /** Gives its memory back. @throws ItemError where a file that was left to the decoder changed since it was hashed */
  done(): Promise<void>;
}

/** Reads items once: for their hash and for their preparation. */
export interface ItemReader {
  /** The hash of a file. Its content is kept for `read`, if there is room. @throws ItemError */
  hash(key: number, path: string | Uint8Array): Promise<string>;
  /** @throws ItemError */
  read(item: EncodeItem): Promise<ReadItem>;
  forget(key: number): void;
}

export function createItemReader(): ItemReader {
  const reading = createPermits(READING_BYTES);
  const kept = new Map<number, { bytes: Buffer; content: string }>();
  let keptBytes = 0;

  function take(key: number): { bytes: Buffer; content: string } | undefined {
    const found = kept.get(key);
    if (found === undefined) return undefined;
    kept.delete(key);
    keptBytes -= found.bytes.length;
    return found;
  }

  return {
    hash: (key, path) =>
      withFile(path, async (file, size) => {
        if (size > MOST_WHOLE_BYTES) return hashInPieces(file);
        const giveBack = await reading.take(size);
        try {
          const bytes = await file.readFile();
          const content = await hashOf(bytes);
          if (keptBytes + bytes.length <= KEPT_BYTES) {
            kept.set(key, { bytes, content });
            keptBytes += bytes.length;
          }
          return content;
        } finally {
          giveBack();
        }
      }),
    async read(item) {
      if ('value' in item) return { input: { value: item.value }, content: item.content, done: async () => undefined };
      if ('bytes' in item)
        return { input: { bytes: Buffer.from(item.bytes) }, content: item.content, done: async () => undefined };
      const found = take(item.key);
      if (found !== undefined)
        return { input: { bytes: found.bytes }, content: found.content, done: async () => undefined };
      return withFile(item.path, async (file, size) => {
        if (size > MOST_WHOLE_BYTES) return readLarge(file, item.path);
        const giveBack = await reading.take(size);
        try {
          const bytes = await file.readFile();
          return { input: { bytes }, content: await hashOf(bytes), done: async () => giveBack() };
        } catch (error) {
          giveBack();
          throw error;
        }
      });
    },
    forget: (key) => void take(key),
  };
}

/** In the thread pool: a hash of a large file must not hold up the messages. */
export async function hashOf(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex');
}

async function hashInPieces(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of file.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 20 }))
    hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** The decoder opens the path anew, so the file must be the same before and after. */
async function readLarge(file: FileHandle, path: string | Uint8Array): Promise<ReadItem> {
  const before = await versionOf(file);
  const content = await hashInPieces(file);
  const raw = typeof path === 'string' ? path : Buffer.from(path);
  return {
    input: { path: raw },
    content,
    done: () =>
      withFile(path, async (again) => {
        if ((await versionOf(again)) !== before)
          throw new ItemError('io_error', 'the file changed while it was read; load it again');
      }),
  };
}

async function versionOf(file: FileHandle): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join('/');
}

async function withFile<T>(path: string | Uint8Array, use: (file: FileHandle, size: number) => Promise<T>): Promise<T> {
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
