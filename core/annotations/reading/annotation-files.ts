import { UserError } from '../../errors.ts';
import { createSelection } from '../../sources/selection.ts';
import type { ListedFile } from '../../sources/source.ts';
import { FileUnavailableError, type OpenFile, type Sources } from '../../sources/source.ts';

/** The largest file that is read as a whole: a label file, a page of settings. */
export const MAX_WHOLE_BYTES = 64 << 20;

/** The files that annotations are read from: those of any source, and never one outside the places that it allows. */
export interface AnnotationFiles {
  /** What is at a path. Undefined if nothing is there, or if it may not be read. */
  kindOf(path: string): Promise<'file' | 'folder' | undefined>;
  /** Files below a folder, in the order of their paths' bytes, after the path `after`. Names are tested by `accepts`. */
  list(folder: string, accepts: (name: string) => boolean, after?: string): AsyncGenerator<ListedFile[]>;
  /**
   * The bytes of a file.
   *
   * @throws FileUnavailableError if it can't be read
   * @throws UserError AnnotationsBroken if it is larger than MAX_WHOLE_BYTES
   */
  read(path: string): Promise<Buffer>;
  /** Size of a file in bytes. @throws FileUnavailableError */
  size(path: string): Promise<number>;
  /** The bytes of a file from a position on, in pieces. @throws FileUnavailableError */
  stream(path: string, start?: number): AsyncGenerator<Buffer>;
}

export function annotationFiles(sources: Sources): AnnotationFiles {
  const open = (path: string): Promise<OpenFile> => sources.of(path).open({ path });
  return {
    async kindOf(path) {
      try {
        await (await open(path)).close();
        return 'file';
      } catch (error) {
        if (!(error instanceof FileUnavailableError)) throw error;
        if (error.code === 'permission_denied' || error.code === 'outside_roots') return undefined;
      }
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
      for await (const { files } of sources.of(folder).list(folder, selection, after))
        if (files.length > 0) yield files;
    },
    async read(path) {
      const file = await open(path);
      try {
        if (file.size > MAX_WHOLE_BYTES)
          throw new UserError(
            'AnnotationsBroken',
            `${path}: it has ${file.size} bytes, and a file of this format may have ${MAX_WHOLE_BYTES}.`,
          );
        const buffer = Buffer.alloc(file.size);
        let length = 0;
        for (let read = -1; read !== 0 && length < buffer.length; length += read)
          read = await file.read(buffer.subarray(length), length);
        return buffer.subarray(0, length);
      } finally {
        await file.close();
      }
    },
    async size(path) {
      const file = await open(path);
      await file.close();
      return file.size;
    },
    async *stream(path, start = 0) {
      const file = await open(path);
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

/** Bytes that are read from a file at a time. */
const STREAM_BYTES = 1 << 20;
