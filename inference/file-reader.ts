import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { afterTicks } from '../core/concurrency/after-ticks.ts';
import { createPermits } from '../core/concurrency/permits.ts';
import { ItemError } from '../core/media/item-error.ts';
import type { FileInput } from '../core/media/preparation.ts';
import { withFile } from '../core/media/with-file.ts';
import type { FileItem } from './messages.ts';

const MIB = 1024 * 1024;
/**
 * Larger files are hashed in pieces and opened by the medium's decoder, so they are never held in memory. A decoder holds
 * no larger ones than its share of what all read, but photographs.
 */
const MAX_WHOLE_BYTES = 64 * MIB;
const PHOTOGRAPH_BYTES = 16 * MIB;
/** The memory limit of files that all decoders read and decode. */
const READING_BYTES = 256 * MIB;
/** The memory limit of content that all decoders keep between its hash and its decoding. The rest is read again. */
const KEPT_BYTES = 128 * MIB;

/** Content to decode, and its SHA-256 in hexadecimal. */
export interface ReadFile {
  input: FileInput;
  content: string;
  /**
   * Releases the memory.
   *
   * @throws ItemError when a file opened by the decoder changed after it was hashed
   */
  done(): Promise<void>;
}

/** Reads files once for both their hash and their decoding. */
export interface FileReader {
  /**
   * Hashes a file. Keeps its content for `read` if there is room. Large files are hashed one at a time; `onProgress` is
   * called as that gets on.
   *
   * @throws ItemError
   */
  hash(key: number, path: string | Uint8Array, onProgress: () => void): Promise<string>;
  /**
   * Reads a file's content.
   *
   * @throws ItemError
   */
  read(file: FileItem & { key: number }): Promise<ReadFile>;
  forget(key: number): void;
}

/** Creates a reader. `share` is the part of the memory limits that is its own. */
export function createFileReader(share: number): FileReader {
  const reading = createPermits(READING_BYTES * share);
  const keptLimit = KEPT_BYTES * share;
  const largest = Math.min(MAX_WHOLE_BYTES, Math.max(READING_BYTES * share, PHOTOGRAPH_BYTES));
  const kept = new Map<number, { bytes: Buffer; content: string }>();
  let keptBytes = 0;

  function take(key: number): { bytes: Buffer; content: string } | undefined {
    const found = kept.get(key);
    if (found === undefined) return undefined;
    kept.delete(key);
    keptBytes -= found.bytes.length;
    return found;
  }

  /** Reads a file whole when there is memory for it. */
  async function readWhen(file: FileHandle, size: number, patience: Patience) {
    patience.end();
    const giveBack = await reading.take(size);
    patience.begin();
    try {
      const bytes = await readWhole(file, size);
      return { bytes, content: await hashOf(bytes), giveBack };
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  return {
    hash: (key, path, onProgress) =>
      patiently((patience) =>
        withFile(path, async (file, size) => {
          if (size > largest) {
            patience.end();
            const giveBack = await reading.take(size);
            patience.begin();
            const isAlive = () => {
              patience.begin();
              onProgress();
            };
            return hashInPieces(file, isAlive).finally(giveBack);
          }
          const { bytes, content, giveBack } = await readWhen(file, size, patience);
          giveBack();
          if (keptBytes + bytes.length <= keptLimit) {
            kept.set(key, { bytes, content });
            keptBytes += bytes.length;
          }
          return content;
        }),
      ),
    async read(item) {
      if ('bytes' in item)
        return { input: { bytes: Buffer.from(item.bytes) }, content: item.content, done: async () => undefined };
      const found = take(item.key);
      if (found !== undefined)
        return { input: { bytes: found.bytes }, content: found.content, done: async () => undefined };
      return patiently((patience) =>
        withFile(item.path, async (file, size) => {
          if (size > largest) return readLarge(file, item.path, patience.begin);
          const { bytes, content, giveBack } = await readWhen(file, size, patience);
          return { input: { bytes }, content, done: async () => giveBack() };
        }),
      );
    },
    forget: (key) => void take(key),
  };
}

/** A disk that says nothing for so long may never do. Counted in ticks, so that a freeze is no reason. */
const DISK_TIMEOUT_MS = 120_000;

/** Counts how long a disk takes. */
interface Patience {
  /** Begins the count anew. */
  begin(): void;
  end(): void;
}

/** @throws ItemError io_error when the disk says nothing for too long */
async function patiently<T>(work: (patience: Patience) => Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  let endCount = () => 0;
  const patience = {
    begin() {
      endCount();
      endCount = afterTicks(DISK_TIMEOUT_MS, () =>
        late.reject(new ItemError('io_error', `its disk did not answer for ${DISK_TIMEOUT_MS / 1000} s`)),
      );
    },
    end: () => void endCount(),
  };
  patience.begin();
  try {
    return await Promise.race([work(patience), late.promise]);
  } finally {
    endCount();
  }
}

/** Reads a file at once. `readFile` takes several rounds, and twice the time for a photograph. */
async function readWhole(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

/** The way to a thread and back takes longer than hashing so much. */
const HASHED_AT_ONCE_BYTES = 512 * 1024;

/** Hashes large content in the thread pool, because it would block messages. */
export async function hashOf(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= HASHED_AT_ONCE_BYTES) return createHash('sha256').update(bytes).digest('hex');
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex');
}

async function hashInPieces(file: FileHandle, onProgress: () => void): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of file.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 20 })) {
    hash.update(piece as Buffer);
    onProgress();
  }
  return hash.digest('hex');
}

/** The decoder reopens the path, so the file is checked before and after. */
async function readLarge(file: FileHandle, path: string | Uint8Array, onProgress: () => void): Promise<ReadFile> {
  const before = await versionOf(file);
  const content = await hashInPieces(file, onProgress);
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
