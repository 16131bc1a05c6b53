import type { PortableError } from '../core/models/errors.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import type { HashedFile } from '../core/models/revision.ts';
import type { EncoderSettings } from './settings.ts';

/** What a worker says to an encoder process. Structured clones: paths that are no valid UTF-8 go as bytes. */
export type Request =
  | {
      type: 'load';
      files: ModelFiles;
      settings: EncoderSettings;
      known: HashedFile[];
      medium: { module: string; options: unknown; outputs: readonly string[] };
    }
  /** Reads files and tells their hashes. The content is kept, where there is room, for the batch that names the key. */
  | { type: 'read'; id: number; files: { key: number; path: string | Uint8Array }[] }
  | { type: 'encode'; id: number; items: EncodeItem[] }
  /** Nobody waits for this batch any more. */
  | { type: 'drop'; id: number }
  /** Content that will not be encoded. */
  | { type: 'forget'; keys: number[] };

export type EncodeItem =
  | { key: number; path: string | Uint8Array }
  | { bytes: Uint8Array; content: string }
  | { value: unknown; content: string };

/** What the encoder process answers. */
export type Reply =
  | { type: 'loaded'; model: LoadedModel }
  | { type: 'refused'; error: PortableError }
  /** One hash a file, in order, or why it can't be read. */
  | { type: 'read'; id: number; contents: (string | PortableError)[] }
  /** The item at `index` of a batch holds up its thread. If the process is killed, everything else is prepared again. */
  | { type: 'late'; id: number; index: number }
  | { type: 'encoded'; id: number; vectors: Float32Array; contents: (string | null)[]; failures: BatchFailure[] };

export interface LoadedModel {
  revision: string;
  dim: number;
  batchSize: number;
  hashedFiles: HashedFile[];
}

/** Why the item at `index` of the batch has no vector; its place in `vectors` is zeros. */
export interface BatchFailure extends PortableError {
  index: number;
}
