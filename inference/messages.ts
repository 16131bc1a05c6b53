import type { Decoding } from '../core/media/preparation.ts';
import type { PortableError } from '../core/models/errors.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import type { HashedFile } from '../core/models/revision.ts';
import type { EncoderSettings } from './settings.ts';

/** The file descriptor of a process's pulse. Descriptor 3 carries the messages. */
export const PULSE_FD = 4;
/** The file descriptor of the frames: see frames.ts. */
export const FRAMES_FD = 5;

/**
 * A worker's message to an encoder process. Messages are structured clones: paths that are not valid UTF-8 are sent as
 * bytes.
 */
export type EncoderRequest =
  | {
      type: 'load';
      files: ModelFiles;
      settings: EncoderSettings;
      known: HashedFile[];
      side: { module: string; options: unknown; outputs: readonly string[] };
    }
  | { type: 'encode'; id: number; items: EncodeItem[] }
  /** This batch has been abandoned. */
  | { type: 'drop'; id: number };

/** An item of a batch: the frame that holds its pixels or the like, or an expanded value. */
export type EncodeItem = { frame: number } | { value: unknown };

/** A message from the encoder process. */
export type EncoderReply =
  | { type: 'loaded'; model: LoadedModel }
  | { type: 'refused'; error: PortableError }
  /** The model runs next, which blocks the process until its results. */
  | { type: 'running' }
  | { type: 'encoded'; id: number; vectors: Float32Array; failures: BatchFailure[] };

/**
 * A loaded model. `dim` is the number of elements of a vector, `output` the graph's output that holds it; `batchSize` is
 * in items, `largestBatch` what a run takes if so many are ready. `takesBytes`: see
 * `EncoderSettings`. `decoding` is how files become what it takes; undefined if its items are values.
 */
export interface LoadedModel {
  revision: string;
  dim: number;
  output: string;
  batchSize: number;
  largestBatch: number;
  takesBytes: boolean;
  hashedFiles: HashedFile[];
  decoding: Decoding | undefined;
}

/** Why the item at `index` of the batch has no vector. Its elements in `vectors` are zeros. */
export interface BatchFailure extends PortableError {
  index: number;
}

/** A worker's message to a decoder process. */
export type DecoderRequest =
  /** The first message. `share` is the part of all decoders' memory that is its own. */
  | { type: 'begin'; share: number }
  /** Comes before orders to decode. `threads` is how many items to decode at once. */
  | { type: 'open'; decoding: Decoding; threads: number }
  /** Reads files and returns their hashes. Keeps the content, if there is room, for the order that names the key. */
  | { type: 'read'; id: number; files: { key: number; path: string | Uint8Array }[] }
  /** Decodes items into frames. */
  | { type: 'decode'; orders: DecodeOrder[] }
  /** Content that will not be decoded here. */
  | { type: 'forget'; keys: number[] }
  /** The item of this key has the memory that it needs. */
  | { type: 'memory'; key: number };

/** An item to decode, and the frame for it: a file by its path, or content by its bytes and its hash. */
export type DecodeOrder = { key: number; frame: number } & FileItem;

/** A file, or its bytes and their hash. */
export type FileItem = { path: string | Uint8Array } | { bytes: Uint8Array; content: string };

/** A message from a decoder process. */
export type DecoderReply =
  | { type: 'ready' }
  /** The medium's decoder can't be opened. */
  | { type: 'refused'; error: PortableError }
  /** Reading gets on. */
  | { type: 'alive' }
  /** One entry per file, in order: its hash, or why it can't be read. */
  | { type: 'read'; id: number; contents: (string | PortableError)[] }
  /** Items whose frames are filled, with the hash of what was decoded, or that can't be decoded. */
  | { type: 'decoded'; items: ({ key: number; content: string } | { key: number; error: PortableError })[] }
  /** Decoding this item takes so long that its thread is lost. Only the end of the process frees it. */
  | { type: 'late'; key: number }
  /** This item needs so much memory, more than the process's own. It waits for `memory`. */
  | { type: 'heavy'; key: number; bytes: number };
