import { UserError } from '../errors.ts';
import type { FileFacts, FileRef } from './files.ts';

/** A file of a listing. */
export type ListedFile = FileRef & FileFacts;

/** What a step of a listing found. */
export interface ListingStep {
  /** In the order of their paths' UTF-8 bytes. */
  files: ListedFile[];
  /** How many entries are no files that are wanted. */
  ignored: number;
  /** Folders that could not be read: a listing says nothing about what is in them. */
  unreadable: string[];
  /** Links that lead out of the places that may be read. They are not followed. */
  outside: string[];
}

export const emptyStep = (): ListingStep => ({ files: [], ignored: 0, unreadable: [], outside: [] });

/** Why a file can't be had, for programs (`code`) and for people. */
export class FileUnavailableError extends Error {
  override readonly name = 'FileUnavailableError';
  readonly code: 'file_not_found' | 'permission_denied' | 'not_a_file' | 'outside_roots' | 'io_error';

  constructor(code: FileUnavailableError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A file that is open, whatever takes its name meanwhile. */
export interface OpenFile extends FileFacts {
  /** A name for another process of this machine, and the identity by which it knows that it has the same file. */
  readonly local?: { path: Buffer; identity: string };
  /** Fills the buffer from a position on. Returns how many bytes there were. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** The bytes from `start` to `end`, both included. Closes the file at its end. */
  stream(range?: { start: number; end: number }): ReadableStream<Uint8Array>;
  /** The fingerprint now: the file may have been written to since it was opened. */
  fingerprintNow(): Promise<string>;
  close(): Promise<void>;
}

/**
 * One kind of place that files come from: folders, archives, object stores. A root is what a load names (a folder), and every
 * file of it has a name that begins with the root's.
 */
export interface Source {
  /** Whether a root or a file of this name is of this kind. */
  owns(name: string): boolean;

  /** The one spelling of a root's name. Asks nothing of the place itself. */
  canonical(root: string): string;

  /**
   * The root's canonical name, if it is there, can be read and holds something.
   *
   * @throws UserError SourceNotAbsolute, SourceNotFound, SourceNotAFolder, SourceUnreadable, SourceEmpty, SourceOutsideRoots
   */
  check(root: string): Promise<string>;

  /**
   * Lists the files whose names are accepted, in the order of their paths' UTF-8 bytes, behind the path `after`. That is the
   * order of MongoDB's index on paths.
   *
   * @throws UserError as `check` does, where the root itself can't be read any more
   */
  list(root: string, accepts: (name: string) => boolean, after?: string): AsyncGenerator<ListingStep>;

  /** The file's facts now; undefined where there is no file of this name. UNKNOWN_FACTS where it can't be told. */
  stat(file: FileRef): Promise<FileFacts | undefined>;

  /** @throws FileUnavailableError */
  open(file: FileRef): Promise<OpenFile>;

  /** Whether a file lies where it may be read. */
  allows(file: FileRef): Promise<boolean>;

  /**
   * Which disk, or bucket, a root is on: a listing that is complete must have been of one and the same.
   *
   * @throws UserError as `check` does, where the root can't be read any more
   */
  identity(root: string): Promise<string>;

  /** The file's name for system calls, for processes that open it themselves; absent where only this process can read it. */
  localPath?(file: FileRef): string | Buffer;
}

/** The kinds of sources that a process knows. */
export interface Sources {
  /** The kind that a root or a file is of. @throws UserError UnknownSource */
  of(name: string): Source;
}

export function createSources(kinds: readonly Source[]): Sources {
  return {
    of(name) {
      const source = kinds.find((kind) => kind.owns(name));
      if (source !== undefined) return source;
      throw new UserError(
        'UnknownSource',
        `source: nothing here reads "${name.slice(0, 200)}". Name the absolute path of a folder on the worker's machine.`,
      );
    },
  };
}

/** Whether a root can be read and holds something. */
export async function isPresent(sources: Sources, root: string): Promise<boolean> {
  try {
    await sources.of(root).check(root);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}
