import type { Medium } from '../media/medium.ts';

/** The properties of a loaded model and its vectors. */
export interface EmbeddingModel {
  /** The built-in model's name, a folder's name below the model folders, or the last part of an absolute path. */
  name: string;
  /**
   * The first 12 hexadecimal digits of the SHA-256 over the model's files. Different weights have a different revision.
   */
  revision: string;
  /** `name@revision`. Two vectors are comparable if and only if their keys are equal. */
  key: string;
  /** The number of elements of a vector. */
  dim: number;
  /** Items per model run. Calls of `embed` with a multiple of it waste nothing. */
  batchSize: number;
  /** `cpu`, `cuda:N` or `webgpu`; several are separated by commas. */
  device: string;
  /** How many devices share the work. Default: one. */
  devices?: number;
  /**
   * Whether the model has a text side, so that `embed` takes words. The text side is first loaded by the first words;
   * only then do its faults show.
   */
  text: boolean;
}

/**
 * An item to encode: a file by its path or bytes, the metadata of an item, or words for a model with a text side. The
 * vectors of words are comparable with those of the model's items. The content of words is their text in UTF-8.
 */
export type EmbedItem =
  | { path: string | Buffer }
  | { bytes: Uint8Array }
  | { value: unknown; content: string }
  | { text: string };

/**
 * A vector of length 1 (L2) with the SHA-256 of the encoded content; the hash alone if the caller already has the
 * vector; or the reason why there is no vector. Error codes come from the medium and from `InferenceFailureCode`. A text
 * without words fails as `empty_text`.
 */
export type EmbedOutcome =
  | { vector: Float32Array; content: string }
  | { known: true; content: string }
  | { error: { code: string; message: string } };

/**
 * Why a prepared item has no vector. `inference_failed`: the runtime refused it. `inference_crashed`: native code
 * crashed twice with this item alone. `vector_not_finite`: the vector holds NaN, infinity or only zeros.
 */
export type InferenceFailureCode = 'inference_failed' | 'inference_crashed' | 'vector_not_finite';

/** Options of `Embedder.embed`. */
export interface EmbedOptions {
  signal?: AbortSignal | undefined;
  /** Called whenever the device ends a batch, of this call or of an earlier one. */
  onSignOfLife?: (() => void) | undefined;
  /**
   * Called with the items' hashes once the items have been read, before inference. Items whose hashes it returns are
   * not encoded. It may take long, for example to wait for permission.
   */
  findKnown?: ((contents: readonly string[]) => Promise<ReadonlySet<string>>) | undefined;
}

/** Embeds items with models that it loads on demand. */
export interface Embedder {
  /**
   * Resolves, hashes and loads the model. A `model` that ends in `@` and a revision must have that revision.
   *
   * @throws ModelNotFoundError, ModelInvalidError, ModelChangedError, DeviceUnavailableError, InferenceUnavailableError
   */
  open(model: string, medium: Medium): Promise<EmbeddingModel>;

  /**
   * Embeds items. Returns one outcome per item, in order. A bad item never fails the others. Calls may overlap: the
   * next one is read and prepared while the current one computes. A `model` with a revision guards against replaced
   * files, whose vectors would otherwise get the old key.
   *
   * @throws the errors of `open`, the signal's reason when it is aborted, and ModelHasNoTextError for words
   */
  embed(model: string, medium: Medium, items: readonly EmbedItem[], options?: EmbedOptions): Promise<EmbedOutcome[]>;

  /** Ends the encoder processes. Calls in progress are rejected. */
  close(): Promise<void>;
}
