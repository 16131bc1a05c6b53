import { UserError } from '../errors.ts';
import { FileUnavailableError, type OpenFile, type Sources } from '../sources/source.ts';

/** A file of vectors that is open. Parts of it are read at any place. */
export interface VectorFile {
  path: string;
  /** In bytes. */
  size: number;
  fingerprint: string;
  /** Reads `length` bytes from a place on. @throws UserError VectorsUnreadable if the file ends before */
  read(position: number, length: number): Promise<Buffer<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Opens a file through its source. @throws UserError VectorsUnreadable */
export async function openVectorFile(sources: Sources, path: string): Promise<VectorFile> {
  const file = await opened(sources, path);
  return {
    path,
    size: file.size,
    fingerprint: file.fingerprint,
    close: () => file.close(),
    async read(position, length) {
      if (position + length > file.size)
        throw unreadable(path, `it ends at byte ${file.size}, and byte ${position + length} is asked for`);
      const buffer = Buffer.alloc(length);
      for (let at = 0; at < length; ) {
        const read = await file.read(buffer.subarray(at), position + at);
        if (read === 0) throw unreadable(path, `it ends at byte ${position + at}: it was cut while it was read`);
        at += read;
      }
      return buffer;
    },
  };
}

async function opened(sources: Sources, path: string): Promise<OpenFile> {
  try {
    return await sources.of(path).open({ path });
  } catch (error) {
    if (error instanceof FileUnavailableError) throw unreadable(path, error.message, error);
    throw error;
  }
}

/** The failure of a file that can't be read as a whole. `why` begins with a small letter and has no full stop. */
export const unreadable = (path: string, why: string, cause?: unknown): UserError =>
  new UserError('VectorsUnreadable', `${path}: ${why}.`, { ...(cause === undefined ? {} : { cause }) });
