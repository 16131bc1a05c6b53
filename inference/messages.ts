import type { PortableError } from '../core/models/errors.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import type { HashedFile } from '../core/models/revision.ts';
import type { EncoderSettings } from './settings.ts';

/** The file descriptor of an encoder process's pulse. Descriptor 3 carries the messages. */
export const PULSE_FD = 4;

/**
 * A worker's message to an encoder process. Messages are structured clones: paths that are not valid UTF-8 are sent as
 * bytes.
 */
export type Request =
  | {
      type: 'load';
      files: ModelFiles;
      settings: EncoderSettings;
      known: HashedFile[];
      side: { module: string; options: unknown; outputs: readonly string[] };
    }
  /** Reads files and returns their hashes. Keeps the content, if there is room, for the batch that names the key. */
  | { type: 'read'; id: number; files: { key: number; path: string | Uint8Array }[] }
  | { type: 'encode'; id: number; items: EncodeItem[] }
  /** This batch has been abandoned. */
  | { type: 'drop'; id: number }
  /** Content that will not be encoded. */
  | { type: 'forget'; keys: number[] };

/** An item of a batch: a file by its path, content by its bytes, or an expanded value. */
export type EncodeItem =
  | { key: number; path: string | Uint8Array }
  | { bytes: Uint8Array; content: string }
  | { value: unknown; content: string };

/** A message from the encoder process. */
export type Reply =
  | { type: 'loaded'; model: LoadedModel }
  | { type: 'refused'; error: PortableError }
  /** The model runs next, which blocks the process until its results. */
  | { type: 'running' }
  /** Reading gets on. */
  | { type: 'alive' }
  /** One entry per file, in order: its hash, or why it can't be read. */
  | { type: 'read'; id: number; contents: (string | PortableError)[] }
  /** The item at `index` of a batch blocks its thread. If the process is killed, all other items are prepared again. */
  | { type: 'late'; id: number; index: number }
  | { type: 'encoded'; id: number; vectors: Float32Array; contents: (string | null)[]; failures: BatchFailure[] };

/**
 * A loaded model. `dim` is the number of elements of a vector, `output` the graph's output that holds it; `batchSize` is
 * in items.
 */
export interface LoadedModel {
  revision: string;
  dim: number;
  output: string;
  batchSize: number;
  hashedFiles: HashedFile[];
}

/** Why the item at `index` of the batch has no vector. Its elements in `vectors` are zeros. */
export interface BatchFailure extends PortableError {
  index: number;
}
