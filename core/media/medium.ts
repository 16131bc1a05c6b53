import type { RecordedError } from '../../contract/job.ts';
import type { ModelLayout } from '../models/find-model.ts';
import type { FileRef } from '../sources/files.ts';
import type { OpenFile, Sources } from '../sources/source.ts';
import type { MediaType, SampleMetadata } from '../store/documents.ts';

/** A file to be expanded. `size` is Infinity where it could not be examined. */
export interface FileToExpand extends FileRef {
  size: number;
}

/** One sample of a file. */
export interface Item {
  metadata: SampleMetadata;
  /**
   * Hash of what will be encoded, if expanding the file had to read that anyway: then an item is compared by it. Without it,
   * the encoder computes the hash when it reads the file.
   */
  content?: string;
}

/** What a file holds, in order and at least one item, or why it can't be read. */
export type Expansion = { items: readonly Item[] } | { error: RecordedError };

/** Draws small pictures of samples, in processes that can be killed. */
export interface Thumbnailer {
  /**
   * The picture as `thumbnails.mimeType`, its longer side `side` pixels at most.
   *
   * @throws ItemError
   */
  draw(file: OpenFile, side: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Process IDs of the processes that are alive. */
  pids(): number[];
  close(): void;
}

/**
 * A kind of samples: which files hold them, what is known of each, and how they become tensors. The engine knows no medium:
 * all that it asks is here. A medium is a folder below core/media and a line in core/media/registry.ts.
 */
export interface Medium {
  readonly name: MediaType;
  /** What people call the samples: `image`, `images`. */
  readonly words: { one: string; many: string };

  /** Whether a file of this name holds samples. */
  accepts(name: string): boolean;

  /**
   * Expands files into items, one expansion a file, in order. A bad file is an expansion, never an exception. `onRead` is
   * called as the reading gets on, after some dozens of files at the latest.
   */
  expand(files: readonly FileToExpand[], sources: Sources, onRead: () => void): Promise<Expansion[]>;

  /** What is encoded: the bytes of a sample's file, or the metadata that expanding it gave. */
  readonly encodes: 'file' | 'metadata';

  /** How models of this medium lie on disk. */
  readonly models: ModelLayout;

  /** What turns items into tensors, in the encoder process: see core/media/preparation.ts. */
  readonly preparation: {
    /** URL of the module, which exports `openPreparation`. */
    module: string;
    /** Handed to it by message. */
    options: unknown;
  };

  /** MIME types that the metadata may name; `inline` ones are safe to show in a browser. */
  readonly mimeTypes: { known: ReadonlySet<string>; inline: ReadonlySet<string> };

  /** How large a sample is, in a word for a table: `640x480`. */
  sizeInWords(metadata: SampleMetadata): string;

  /** Settings from the environment, for people who look for them. */
  readonly settings: readonly { name: string; variable: string; value: string }[];

  readonly thumbnails: {
    mimeType: string;
    /** Error codes of indexing that mean that there will be no thumbnail either, and the code to say so. */
    hopeless: Readonly<Record<string, string>>;
    open(options: { processes: number; timeoutMs: number }): Thumbnailer;
  };
}

/** The media that a process knows. */
export interface Media {
  readonly all: readonly Medium[];
  /** The medium of a new dataset. */
  readonly default: Medium;
  /** @throws RangeError for a medium that this process does not know */
  byName(name: MediaType): Medium;
}

export function createMedia(all: readonly [Medium, ...Medium[]]): Media {
  return {
    all,
    default: all[0],
    byName(name) {
      const medium = all.find((one) => one.name === name);
      if (medium === undefined)
        throw new RangeError(
          `This process knows no medium "${name}"; it knows ${all.map((one) => one.name).join(', ')}.`,
        );
      return medium;
    },
  };
}
