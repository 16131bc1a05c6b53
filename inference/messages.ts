import type { PortableError } from '../core/models/errors.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import type { HashedFile } from '../core/models/revision.ts';
import type { InferenceSettings } from './settings.ts';

/** What a worker says to its inference process. Structured clones: paths that are no valid UTF-8 go as bytes. */
export type Request =
  | { type: 'load'; files: ModelFiles; settings: InferenceSettings; known: HashedFile[] }
  | { type: 'batch'; id: number; paths: (string | Uint8Array)[] }
  | { type: 'drop'; id: number };

/** What the inference process answers. */
export type Reply =
  | { type: 'loaded'; model: LoadedModel }
  | { type: 'refused'; error: PortableError }
  /** The image at `index` of a batch holds up its thread; whoever has the process ended loses nothing that is not decoded anew. */
  | { type: 'late'; id: number; index: number }
  | { type: 'embedded'; id: number; vectors: Float32Array; failures: BatchFailure[] };

export interface LoadedModel {
  revision: string;
  dim: number;
  batchSize: number;
  hashedFiles: HashedFile[];
}

/** Why the image at `index` of the batch has no vector; its place in `vectors` is zeros. */
export interface BatchFailure extends PortableError {
  index: number;
}
