/**
 * Plimsoll's workflows, to be re-exported from your own workflows file, and what calls and starts them: IDs, inputs, the Nexus
 * service. Safe in the workflow sandbox.
 */

export type { LoadStatus, PhaseStatus } from '../core/loads/status.ts';
export {
  type DeleteDatasetRequest,
  EMBED_TASK_QUEUE,
  type EmbedDatasetRequest,
  embedWorkflowId,
  INDEX_TASK_QUEUE,
  type LoadDatasetRequest,
  loadWorkflowId,
  type PruneDatasetRequest,
  type RetryFailedRequest,
  type ScheduledLoadRequest,
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
