import type { ByteInput } from '../models/byte-input.ts';
import type { GraphValue } from '../models/graph-values.ts';

/** The input of a decoder: the file's bytes, or the path of a file too large for memory. */
export type FileInput = { bytes: Buffer } | { path: string | Buffer };

/** A tensor in ONNX Runtime's form. Elements of float16 are bit patterns. */
export interface TensorData {
  type: 'float32' | 'float16' | 'uint8' | 'int32' | 'int64';
  elements: Float32Array | Uint16Array | Uint8Array | Int32Array | BigInt64Array;
  dims: readonly number[];
}

/** How an output of [batch, tokens, dim] becomes one vector per item. */
export type Pooling = 'cls' | 'mean';

/** A preparation that is bound to the inputs of a model's graph. `Prepared` is the form of a prepared item. */
export type BoundPreparation<Prepared = unknown> = ValuePreparation<Prepared> | FilePreparation;

interface AnyPreparation<Prepared> {
  /** The batch size, if the graph fixes it. */
  fixedBatch: number | undefined;
  /** The batch size that suits the items, if it differs from the device's usual one. */
  batchSize?: number;
  /**
   * Applies to outputs with a vector per token. `mean` skips tokens whose `attention_mask` input is 0. Undefined if
   * nobody can know; such outputs are refused.
   */
  pooling: Pooling | undefined;
  /** A sample input for testing the graph. */
  blank: Prepared;
  /** The graph's inputs by name, for `rows` rows. Rows after the items hold any values that the graph accepts. */
  feeds(items: readonly Prepared[], rows: number): Record<string, TensorData>;
}

/** A preparation of values, such as texts, in the encoder process. */
export interface ValuePreparation<Prepared = unknown> extends AnyPreparation<Prepared> {
  decoding?: undefined;
  /**
   * Whether items are prepared on the thread of the caller. A batch is then prepared when the one before has been
   * answered, so that its answer does not wait for the preparation of others.
   */
  blocks?: true;
  /**
   * Prepares one item. Several calls run at once.
   *
   * @throws ItemError
   */
  prepare(value: unknown): Promise<Prepared>;
}

/** A preparation of files, which decoder processes decode. A prepared item is its `decoding.itemBytes` bytes. */
export interface FilePreparation extends AnyPreparation<Uint8Array> {
  decoding: Decoding;
  /** An input that takes the decoded items as they are, where the device can compute the graph's from it. */
  byteInput?: ByteInput;
}

/** How files become prepared items, in decoder processes. It is sent in a message. */
export interface Decoding {
  /** URL of the module that exports `openDecoder`. */
  module: string;
  /** Passed to the module. */
  options: unknown;
  /** The length of a decoded item. */
  itemBytes: number;
}

/** The memory of a decoder, in bytes, for each of its threads. Most items take less. */
export const BYTES_PER_THREAD = 128 * 1024 * 1024;

/** Decodes files. */
export interface Decoder {
  /**
   * Decodes one item. Several calls run at once. Calls `onLate` when an item takes so long that its thread is lost. An
   * item that is late by this, or by `decode_timeout`, is decoded once more with nothing else in the process.
   *
   * @param memory waits for so many bytes, for an item that takes more than the decoder has
   * @throws ItemError
   */
  decode(item: FileInput, onLate: () => void, memory: (bytes: number) => Promise<void>): Promise<Uint8Array>;
}

/** The function that a medium's decoding module exports as `openDecoder`. `threads` is how many items to decode at once. */
export type OpenDecoder = (request: { options: unknown; threads: number }) => Promise<Decoder>;

/** The arguments of a medium's preparation module. */
export interface PreparationRequest {
  graphFile: string;
  /** The model's other files, in the order of the medium's layout. */
  files: readonly string[];
  /** Paths of the optional files that the model has, by their names in the medium's layout. */
  optional?: Readonly<Partial<Record<string, string>>>;
  /** The graph's inputs. */
  inputs: readonly GraphValue[];
  /** The medium's `preparation.options`. */
  options: unknown;
}

/**
 * The function that a medium's preparation module exports as `openPreparation`.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export type OpenPreparation<Preparation extends BoundPreparation = BoundPreparation> = (
  request: PreparationRequest,
) => Promise<Preparation>;
