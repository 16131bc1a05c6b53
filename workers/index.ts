/** Plimsoll for a worker of your own: the plugin and its parts. Workflows are in `plimsoll/workflows`. */
export { createIndexingRoleActivities, type IndexingRoleDependencies } from '../activities/indexing-role.ts';
export { createInferenceActivities, type InferenceDependencies } from '../activities/inference.ts';
export { createSearchActivities, type SearchActivities } from '../activities/search.ts';
export { EMBEDDING_TASK_QUEUE, INDEXING_TASK_QUEUE } from '../contract/names.ts';
export type { SearchAnswer, SearchFilter, SearchHit, SearchInput } from '../contract/search.ts';
export type { Embedder, EmbeddingModel, EmbedItem, EmbedOptions, EmbedOutcome } from '../core/embedding/embedder.ts';
export { UserError } from '../core/errors.ts';
export { imagesMedium } from '../core/media/images/medium.ts';
export { ItemError } from '../core/media/item-error.ts';
export {
  createMedia,
  type Expansion,
  type FileToExpand,
  type Item,
  type Media,
  type Medium,
  type ModelSide,
  type Thumbnailer,
} from '../core/media/medium.ts';
export type { BoundPreparation, OpenPreparation } from '../core/media/preparation.ts';
export { folderSource } from '../core/sources/folder/folder-source.ts';
export { type MemorySource, memorySource } from '../core/sources/memory/memory-source.ts';
export {
  createSources,
  FileUnavailableError,
  type OpenFile,
  type Source,
  type Sources,
} from '../core/sources/source.ts';
export { openStore, storeOf } from '../core/store/open.ts';
export { prepareDatabase } from '../core/store/prepare.ts';
export { requireReplicaSet, type Store } from '../core/store/store.ts';
export { noWebhooks, type WebhookConfig, webhooksFromEnvironment } from '../core/webhooks/config.ts';
export { createEmbedder, type InferenceEmbedder } from '../inference/embedder.ts';
export { type Device, type InferenceSettings, settingsFromEnvironment } from '../inference/settings.ts';
export { openSearcher, type SearcherOptions } from '../search/open-searcher.ts';
export type { Searcher } from '../search/searcher.ts';
export { createWorker, type WorkerSetup } from './create-worker.ts';
export { deploymentFromEnvironment } from './plugin/deployment.ts';
export type { PlimsollPluginOptions, Role } from './plugin/options.ts';
export { PlimsollPlugin } from './plugin/plugin.ts';
export { workflowBundle } from './workflow-bundle.ts';
