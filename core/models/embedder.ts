import type { ImageRef } from '../media/images/decode.ts';

export type { ImageRef };

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
  /** Images that go through the model at once. Calls of `embed` that are multiples of it waste nothing. */
  batchSize: number;
  /** `cpu`, or `cuda:N`. */
  device: string;
}

/** A vector of length 1 (L2), or why there is none. Codes: `ImageFailureCode` and `InferenceFailureCode`. */
export type EmbedOutcome = { vector: Float32Array } | { error: { code: string; message: string } };

/**
 * Why an image that could be decoded has no vector: the runtime refused it (`inference_failed`), the native code crashed twice
 * while this image was alone in it (`inference_crashed`), or the vector holds NaN, infinity or only zeros (`vector_not_finite`).
 */
export type InferenceFailureCode = 'inference_failed' | 'inference_crashed' | 'vector_not_finite';

/** Makes vectors of images with models that it loads on demand. */
export interface Embedder {
  /**
   * Resolves, hashes and loads the model. A `model` that ends in `@` and a revision is held to that revision.
   *
   * @throws ModelNotFoundError, ModelInvalidError, ModelChangedError, DeviceUnavailableError, InferenceUnavailableError
   */
  open(model: string): Promise<EmbeddingModel>;

  /**
   * One outcome an image, in order. One bad image never fails the others. Several calls may be under way: decoding of the
   * next overlaps inference of the current. Pass a `model` with its revision to be sure that files replaced meanwhile do not
   * give vectors of another model under the same key.
   *
   * `onSignOfLife` is called whenever the device ends a batch, of this call or of another that is before it.
   *
   * @throws what `open` throws, and the signal's reason when it is aborted.
   */
  embed(
    model: string,
    images: readonly ImageRef[],
    signal?: AbortSignal,
    onSignOfLife?: () => void,
  ): Promise<EmbedOutcome[]>;

  /** Ends the inference processes. Calls under way are rejected. */
  close(): Promise<void>;
}
