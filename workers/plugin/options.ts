import type { MongoClient } from 'mongodb';
import type { Medium } from '../../core/media/medium.ts';
import type { Embedder } from '../../core/models/embedder.ts';
import type { Source } from '../../core/sources/source.ts';
import type { WebhookConfig } from '../../core/webhooks/config.ts';
import type { InferenceSettings } from '../../inference/settings.ts';

/** What a worker does: `indexing` runs the workflows and all that needs no accelerator, `embedding` runs inference. */
export type Role = 'indexing' | 'embedding';

export interface PlimsollPluginOptions {
  /** One of the roles, or both. */
  roles: readonly Role[];
  /**
   * A client of your own, which is never closed; or a connection string, whose client is opened for the worker and closed when
   * it has run. The database is the one that it names, `plimsoll` where it names none.
   */
  mongodb: MongoClient | string;
  /** Indexing role: folders that sources must be below; what PLIMSOLL_SOURCE_ROOTS names, or any folder, if left out. */
  sourceRoots?: readonly string[];
  /** Kinds of sources beside folders, which are always there. Both roles of all workers need the same. */
  sources?: readonly Source[];
  /** The media that datasets may hold, the first for new datasets; those of core/media/registry.ts if left out. */
  media?: readonly Medium[];
  /**
   * Indexing role: task queue of inference where an input names none. If left out: `plimsoll-gpu`; of a worker with both roles, its own
   * task queue.
   */
  embedTaskQueue?: string;
  /** Indexing role: secrets and targets of webhooks; what the environment says if left out. */
  webhooks?: WebhookConfig;
  /**
   * Indexing role: how long the records of jobs are kept after their end, as `90d`; what PLIMSOLL_JOB_RETENTION says, or for good, if
   * left out. All workers of a database should say the same: the last one to start decides.
   */
  jobRetention?: string;
  /** Embedding role: device, folders of models, sizes. What is left out comes from the environment: PLIMSOLL_DEVICE, PLIMSOLL_MODELS… */
  inference?: Partial<InferenceSettings>;
  /** Embedding role: what makes vectors in place of ONNX Runtime, or one that several workers share. It is never closed. */
  embedder?: Embedder;
}
