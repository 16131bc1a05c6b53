/** Plimsoll for a worker of your own: the plugin, and what it is made of. Workflows are in `plimsoll/workflows`. */
export { createEmbedActivities, type EmbedDependencies } from '../activities/embed-activities.ts';
export { createIndexRoleActivities, type IndexRoleDependencies } from '../activities/index-role.ts';
export { EMBEDDING_TASK_QUEUE, INDEXING_TASK_QUEUE } from '../contract/names.ts';
export { UserError } from '../core/errors.ts';
export { images } from '../core/media/images/medium.ts';
export type { Embedder, EmbeddingModel } from '../core/models/embedder.ts';
export { ensureIndexes, openStore, requireReplicaSet, type Store, storeOf } from '../core/store/store.ts';
export { noWebhooks, type WebhookConfig, webhooksFromEnvironment } from '../core/webhooks/config.ts';
export { createEmbedder, type InferenceEmbedder } from '../inference/embedder.ts';
export { type Device, type InferenceSettings, settingsFromEnvironment } from '../inference/settings.ts';
export { createWorker, type WorkerSetup } from './create-worker.ts';
export { deploymentFromEnvironment } from './plugin/deployment.ts';
export type { PlimsollPluginOptions, Role } from './plugin/options.ts';
export { PlimsollPlugin } from './plugin/plugin.ts';
export { workflowBundle } from './workflow-bundle.ts';
