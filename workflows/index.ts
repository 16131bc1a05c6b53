/**
 * Plimsoll's workflows, to be re-exported from your own workflows file, and what calls and starts them: IDs, inputs, the Nexus
 * service. Safe in the workflow sandbox.
 */

export {
  type DeleteDatasetRequest,
  EMBEDDING_TASK_QUEUE,
  type EmbedDatasetRequest,
  embedWorkflowId,
  INDEXING_TASK_QUEUE,
  type LoadDatasetRequest,
  loadWorkflowId,
  type PruneDatasetRequest,
  type RetryFailedRequest,
  type ScheduledLoadRequest,
} from '../contract/inputs.ts';
export { type NexusStatusRequest, plimsollService } from '../contract/nexus.ts';
export type { JobStatus, PhaseStatus } from '../core/jobs/status.ts';
export { deleteDataset } from './delete-dataset.ts';
export { deliverWebhook } from './deliver-webhook.ts';
export { embedDataset } from './embed-dataset.ts';
export { embedShard } from './embed-shard.ts';
export { loadDataset } from './load-dataset.ts';
export { pruneDataset } from './prune-dataset.ts';
export { retryFailed } from './retry-failed.ts';
export { scheduledLoad } from './scheduled-load.ts';
