import { UserError } from '../../errors.ts';
import type { FileRef } from '../../sources/files.ts';
import { createSelection } from '../../sources/selection.ts';
import type { ListedFile } from '../../sources/source.ts';
import { FileUnavailableError, type OpenFile, type Sources } from '../../sources/source.ts';

/** The largest file that is read as a whole: a label file, a page of settings. */
export const MAX_WHOLE_BYTES = 64 << 20;

/** A file of a listing, whose name need not be text, or a path that somebody named. */
export type NamedFile = FileRef | string;

/** The files that annotations are read from: those of any source, and never one outside the places that it allows. */
export interface AnnotationFiles {
  /** What is at a path. Undefined if nothing is there, or if it may not be read. */
  kindOf(file: NamedFile): Promise<'file' | 'folder' | undefined>;
  /** Files below a folder, in the order of their paths' bytes, after the path `after`. Names are tested by `accepts`. */
  list(folder: string, accepts: (name: string) => boolean, after?: string): AsyncGenerator<ListedFile[]>;
  /**
   * The bytes of a file.
   *
   * @param most how many it may have
   * @throws FileUnavailableError if it can't be read
   * @throws UserError AnnotationsBroken if it has more
   */
  read(file: NamedFile, most?: number): Promise<Buffer>;
  /** What changes with the content of a file. Undefined for a folder, and for what can't be examined. */
  fingerprint(path: string): Promise<string | undefined>;
  /** The first bytes of a file. @throws FileUnavailableError */
  head(file: NamedFile, bytes: number): Promise<Buffer>;
  /** The bytes of a file from a position on, in pieces. @throws FileUnavailableError */
  stream(file: NamedFile, start?: number): AsyncGenerator<Buffer>;
}

/** @param onUnreadable called with each folder of a listing whose files are unknown, since it can't be read */
export function annotationFiles(sources: Sources, onUnreadable?: (folder: string) => void): AnnotationFiles {
  const open = (named: NamedFile): Promise<OpenFile> => {
    const file = typeof named === 'string' ? { path: named } : named;
    return sources.of(file.path).open(file);
  };
  return {
    async kindOf(named) {
      try {
        await (await open(named)).close();
        return 'file';
      } catch (error) {
        if (!(error instanceof FileUnavailableError)) throw error;
        if (error.code === 'permission_denied' || error.code === 'outside_roots') return undefined;
      }
      const path = pathOf(named);
      try {
        await sources.of(path).check(path);
        return 'folder';
      } catch (error) {
        if (error instanceof UserError) return undefined;
        throw error;
      }
    },
    async *list(folder, accepts, after) {
      const selection = createSelection(accepts, {});
      for await (const { files, unreadable, outside } of sources.of(folder).list(folder, selection, after)) {
        for (const path of [...unreadable, ...outside]) onUnreadable?.(path);
        if (files.length > 0) yield files;
      }
    },
    async read(named, most = MAX_WHOLE_BYTES) {
      const file = await open(named);
      try {
        if (file.size > most)
          throw new UserError(
            'AnnotationsBroken',
            `${pathOf(named)}: it has ${file.size} bytes, and such a file may have ${most}.`,
          );
        return await firstBytes(file, file.size);
      } finally {
        await file.close();
      }
    },
    fingerprint: async (path) => (await sources.of(path).stat({ path }))?.fingerprint,
    async head(named, bytes) {
      const file = await open(named);
      try {
        return await firstBytes(file, Math.min(bytes, file.size));
      } finally {
        await file.close();
      }
    },
    async *stream(named, start = 0) {
      const file = await open(named);
      try {
        for (let position = start; position < file.size; ) {
          const buffer = Buffer.allocUnsafe(Math.min(STREAM_BYTES, file.size - position));
          const read = await file.read(buffer, position);
          if (read === 0) return;
          yield buffer.subarray(0, read);
          position += read;
        }
      } finally {
        await file.close();
      }
    },
  };
}

const pathOf = (named: NamedFile): string => (typeof named === 'string' ? named : named.path);

async function firstBytes(file: OpenFile, count: number): Promise<Buffer> {
  const buffer = Buffer.alloc(count);
  let length = 0;
  for (let read = -1; read !== 0 && length < count; length += read)
    read = await file.read(buffer.subarray(length), length);
  return buffer.subarray(0, length);
}

/** Bytes that are read from a file at a time. */
const STREAM_BYTES = 1 << 20;
