import type { MongoClient } from 'mongodb';
import type { Embedder } from '../../core/embedding/embedder.ts';
import type { Medium } from '../../core/media/medium.ts';
import type { Source } from '../../core/sources/source.ts';
import type { WebhookConfig } from '../../core/webhooks/config.ts';
import type { InferenceSettings } from '../../inference/settings.ts';

/** `indexing` runs the workflows and all activities that need no accelerator; `embedding` runs inference. */
export type Role = 'indexing' | 'embedding';

export interface PlimsollPluginOptions {
  /** One or both roles. */
  roles: readonly Role[];
  /**
   * A client of your own, which the plugin never closes, or a connection string. The plugin opens a client for a string
   * and closes it when the worker has run. The string names the database; the default is `plimsoll`.
   */
  mongodb: MongoClient | string;
  /**
   * Indexing role: folders that sources must be in. Default: PLIMSOLL_SOURCE_ROOTS, or any folder if that is not set.
   */
  sourceRoots?: readonly string[];
  /** Kinds of sources in addition to folders. All workers of both roles need the same. */
  sources?: readonly Source[];
  /** The media that datasets may hold; new datasets get the first. Default: those of core/media/registry.ts. */
  media?: readonly Medium[];
  /**
   * Indexing role: task queue of inference when an input names none. Default: the worker's own task queue if it has
   * both roles, else `plimsoll-gpu`.
   */
  embedTaskQueue?: string;
  /** Indexing role: an embedding builds an index of this many vectors and more. Default: 10,000. */
  indexFrom?: number;
  /** Indexing role: secrets and targets of webhooks. Default: from the environment. */
  webhooks?: WebhookConfig;
  /**
   * Indexing role: how long job records are kept after their end, for example `90d`. Default: PLIMSOLL_JOB_RETENTION,
   * or forever. All workers of a database should have the same value: the last one to start decides.
   */
  jobRetention?: string;
  /**
   * Embedding role: device, model folders, sizes. Defaults come from the environment: PLIMSOLL_DEVICE, PLIMSOLL_MODELS…
   */
  inference?: Partial<InferenceSettings>;
  /**
   * Embedding role: makes vectors instead of ONNX Runtime. Several workers may share it; the plugin never closes it.
   */
  embedder?: Embedder;
}
