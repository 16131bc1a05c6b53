/** Plimsoll's workflows, to be re-exported from your own workflows file. Safe in the workflow sandbox. */

/** What calls and starts them: names, inputs, the Nexus service. */
export {
  EMBED_TASK_QUEUE,
  type EmbedDatasetRequest,
  embedWorkflowId,
  INDEX_TASK_QUEUE,
  type LoadDatasetRequest,
  loadWorkflowId,
} from './contract.ts';
export { deleteDataset } from './delete-dataset.ts';
export { deliverWebhook } from './deliver-webhook.ts';
export { embedDataset } from './embed-dataset.ts';
export { embedShard } from './embed-shard.ts';
export { loadDataset } from './load-dataset.ts';
export { type NexusStatusRequest, plimsollService } from './nexus.ts';
export { pruneDataset } from './prune-dataset.ts';
export { retryFailed } from './retry-failed.ts';
export { scheduledLoad } from './scheduled-load.ts';
