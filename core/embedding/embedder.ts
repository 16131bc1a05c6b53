import type { Medium } from '../media/medium.ts';

/** A model that has been loaded: what its vectors are called and look like. */
export interface EmbeddingModel {
  /** The built-in model's name, a folder's name below the model folders, or the last part of an absolute path. */
  name: string;
  /** First 12 hexadecimal digits of the SHA-256 over the model's files: other weights, other revision. */
  revision: string;
  /** `name@revision`. Vectors are comparable if, and only if, their keys are equal. */
  key: string;
  /** Numbers in a vector. */
  dim: number;
  /** Items that go through the model at once. Calls of `embed` that are multiples of it waste nothing. */
  batchSize: number;
  /** `cpu`, or `cuda:N`. */
  device: string;
}

/** What is to be encoded: a file by its path or its bytes, or the metadata of an item. */
export type EmbedItem = { path: string | Buffer } | { bytes: Uint8Array } | { value: unknown; content: string };

/**
 * A vector of length 1 (L2) and the SHA-256 of what was encoded; or just that hash, where the caller has its vector already; or
 * why there is no vector. Error codes are the medium's and `InferenceFailureCode`.
 */
export type EmbedOutcome =
  | { vector: Float32Array; content: string }
  | { known: true; content: string }
  | { error: { code: string; message: string } };

/**
 * Why an item that could be prepared has no vector: the runtime refused it (`inference_failed`), the native code crashed twice
 * while this item was alone in it (`inference_crashed`), or the vector holds NaN, infinity or only zeros (`vector_not_finite`).
 */
export type InferenceFailureCode = 'inference_failed' | 'inference_crashed' | 'vector_not_finite';

export interface EmbedOptions {
  signal?: AbortSignal | undefined;
  /** Called whenever the device ends a batch, of this call or of another that is before it. */
  onSignOfLife?: (() => void) | undefined;
  /**
   * Called once the items have been read, with their hashes and before anything is computed. Items whose hashes it returns are
   * not encoded. It may take its time: to wait for permission, for one.
   */
  findKnown?: ((contents: readonly string[]) => Promise<ReadonlySet<string>>) | undefined;
}

/** Makes vectors of items with models that it loads on demand. */
export interface Embedder {
  /**
   * Resolves, hashes and loads the model. A `model` that ends in `@` and a revision is held to that revision.
   *
   * @throws ModelNotFoundError, ModelInvalidError, ModelChangedError, DeviceUnavailableError, InferenceUnavailableError
   */
  open(model: string, medium: Medium): Promise<EmbeddingModel>;

  /**
   * One outcome an item, in order. One bad item never fails the others. Several calls may be under way: the next is read and
   * prepared while the current one computes. Pass a `model` with its revision to be sure that files replaced meanwhile do not
   * give vectors of another model under the same key.
   *
   * @throws what `open` throws, and the signal's reason when it is aborted.
   */
  embed(model: string, medium: Medium, items: readonly EmbedItem[], options?: EmbedOptions): Promise<EmbedOutcome[]>;

  /** Ends the encoder processes. Calls under way are rejected. */
  close(): Promise<void>;
}
