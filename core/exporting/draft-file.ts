import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, writeError } from '../artifact/write-durably.ts';

/** What is kept before it is written. */
const BUFFER_BYTES = 1 << 18;

/** A large file that is being written beside its place. Its place holds nothing until it is whole. */
export interface DraftFile {
  write(content: string | Uint8Array): Promise<void>;
  /** Replaces bytes that were written before. */
  patch(content: Uint8Array, position: number): Promise<void>;
  /** Appends what another draft holds, which ends that one. */
  append(other: DraftFile): Promise<void>;
  /** Moves the file to its place once it is on the disk. */
  commit(): Promise<void>;
  /** Removes the file, unless it is at its place. */
  discard(): Promise<void>;
  /** Where it is being written. All is there after `flush`. */
  readonly beside: string;
  flush(): Promise<void>;
}

/**
 * Opens a draft.
 *
 * @param path its place, whose folder is made when it moves there
 * @param beside where it is written meanwhile, in the same file system
 */
export async function openDraft(path: string, beside: string): Promise<DraftFile> {
  let file: FileHandle | undefined = await open(beside, 'wx').catch((error) => {
    throw writeError(path, error);
  });
  let parts: (string | Uint8Array)[] = [];
  let size = 0;

  async function flush(): Promise<void> {
    if (size === 0) return;
    const buffers = parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part));
    parts = [];
    size = 0;
    await tryTo(async (open) => writeWhole(open, Buffer.concat(buffers)));
  }

  async function tryTo(act: (file: FileHandle) => Promise<void>): Promise<void> {
    if (file === undefined) throw new Error(`${path} is closed.`);
    try {
      await act(file);
    } catch (error) {
      throw writeError(path, error);
    }
  }

  const draft: DraftFile = {
    beside,
    flush,
    async write(content) {
      parts.push(content);
      size += content.length;
      if (size >= BUFFER_BYTES) await flush();
    },
    async patch(content, position) {
      await flush();
      await tryTo(async (open) => writeWhole(open, content, position));
    },
    async append(other) {
      await flush();
      await other.flush();
      const source = await open(other.beside);
      try {
        for (const buffer = Buffer.alloc(BUFFER_BYTES); ; ) {
          const { bytesRead } = await source.read(buffer, 0, buffer.length, null);
          if (bytesRead === 0) break;
          await tryTo(async (open) => writeWhole(open, buffer.subarray(0, bytesRead)));
        }
      } finally {
        await source.close();
      }
      await other.discard();
    },
    async commit() {
      await flush();
      await tryTo((open) => open.sync());
      await file?.close();
      file = undefined;
      await mkdir(dirname(path), { recursive: true });
      await rename(beside, path);
      await syncFolder(dirname(path));
    },
    async discard() {
      if (file === undefined) return;
      await file.close();
      file = undefined;
      await rm(beside, { force: true });
    },
  };
  return draft;
}

/** A full disk may take a part of a write without an error. */
async function writeWhole(file: FileHandle, content: Uint8Array, position?: number): Promise<void> {
  for (let at = 0; at < content.length; ) {
    const where = position === undefined ? null : position + at;
    at += (await file.write(content, at, content.length - at, where)).bytesWritten;
  }
}
