import { UserError } from '../errors.ts';
import type { FileFacts, FileRef } from './files.ts';
import type { Selection } from './selection.ts';

/** A file of a listing. */
export type ListedFile = FileRef & FileFacts;

/** The result of one step of a listing. */
export interface ListingStep {
  /** In the order of their paths' UTF-8 bytes. */
  files: ListedFile[];
  /** How many entries were skipped because no medium reads them. */
  ignored: number;
  /** How many files and folders the selection left out. A folder counts once. */
  excluded: number;
  /** Folders that could not be read. The state of their files is unknown. */
  unreadable: string[];
  /** Links that lead out of the allowed folders. They are not followed. */
  outside: string[];
}

/** Creates a step that found nothing. */
export const emptyStep = (): ListingStep => ({ files: [], ignored: 0, excluded: 0, unreadable: [], outside: [] });

/** The cause of an unavailable file: `code` for programs, the message for people. */
export class FileUnavailableError extends Error {
  override readonly name = 'FileUnavailableError';
  readonly code: 'file_not_found' | 'permission_denied' | 'not_a_file' | 'outside_roots' | 'io_error';

  constructor(code: FileUnavailableError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An open file. It stays the same file even if another one takes its name. */
export interface OpenFile extends FileFacts {
  /** A path for another process of this machine, and the identity with which it can verify the file. */
  readonly local?: { path: Buffer; identity: string };
  /** Fills the buffer from a byte position on. Returns the number of bytes read. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Streams the bytes from `start` to `end`, both inclusive. Closes the file at the end of the stream. */
  stream(range?: { start: number; end: number }): ReadableStream<Uint8Array>;
  /** The current fingerprint. It differs if the file was written to since it was opened. */
  fingerprintNow(): Promise<string>;
  close(): Promise<void>;
}

/**
 * One kind of place that files come from: folders, archives, object stores. A root is the place that a job names, such
 * as a folder. The name of every file in it begins with the root's name.
 */
export interface Source {
  /** Whether this source handles a root or a file of this name. */
  owns(name: string): boolean;

  /** The canonical spelling of a root's name. Does not access the place itself. */
  canonical(root: string): string;

  /**
   * Checks that the root exists, can be read and is not empty. Returns its canonical name.
   *
   * @throws UserError SourceNotAbsolute, SourceNotFound, SourceNotAFolder, SourceUnreadable, SourceEmpty,
   *   SourceOutsideRoots
   */
  check(root: string): Promise<string>;

  /**
   * Lists the selected files, in UTF-8 byte order of their paths, after the path `after`. MongoDB's path index has the
   * same order.
   *
   * @throws UserError the errors of `check`, when the root itself can't be read any more.
   */
  list(root: string, selection: Selection, after?: string): AsyncGenerator<ListingStep>;

  /** The file's current facts. Undefined if no file has this name; UNKNOWN_FACTS if the file can't be examined. */
  stat(file: FileRef): Promise<FileFacts | undefined>;

  /**
   * Opens a file.
   *
   * @throws FileUnavailableError
   */
  open(file: FileRef): Promise<OpenFile>;

  /** Whether a file is in a place that may be read. */
  allows(file: FileRef): Promise<boolean>;

  /**
   * The identity of the disk or bucket that holds a root. A complete listing must come from a single one.
   *
   * @throws UserError the errors of `check`, when the root can't be read any more.
   */
  identity(root: string): Promise<string>;

  /** The file's path for processes that open it themselves. Absent if only this process can read the file. */
  localPath?(file: FileRef): string | Buffer;
}

/** The kinds of sources that this process supports. */
export interface Sources {
  /**
   * The source that handles a root or a file.
   *
   * @throws UserError UnknownSource
   */
  of(name: string): Source;
}

/** Creates the sources of a process. The first kind that owns a name handles it. */
export function createSources(kinds: readonly Source[]): Sources {
  return {
    of(name) {
      const source = kinds.find((kind) => kind.owns(name));
      if (source !== undefined) return source;
      throw new UserError(
        'UnknownSource',
        `source: no source supports "${name.slice(0, 200)}". ` +
          "Name the absolute path of a folder on the worker's machine.",
      );
    },
  };
}

/** Whether a root can be read and is not empty. */
export async function isPresent(sources: Sources, root: string): Promise<boolean> {
  try {
    await sources.of(root).check(root);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}
