/**
 * Plimsoll's workflows, to be re-exported from your own workflows file, with the IDs, inputs and Nexus service that
 * start and call them. Everything here is safe in the workflow sandbox.
 */

export type { FailureCode } from '../contract/failures.ts';
export type {
  AnnotateDatasetRequest,
  DeleteDatasetRequest,
  DropModelRequest,
  EmbedDatasetRequest,
  ExportDatasetRequest,
  FindDuplicatesRequest,
  ForgetSourceRequest,
  ImportVectorsRequest,
  IndexVectorsRequest,
  LoadDatasetRequest,
  PruneDatasetRequest,
  RelocateDatasetRequest,
  RetryFailedRequest,
  ScheduledLoadRequest,
} from '../contract/inputs.ts';
export type { JobStatus, PhaseStatus } from '../contract/job.ts';
export {
  duplicatesWorkflowId,
  EMBEDDING_TASK_QUEUE,
  embedWorkflowId,
  exportWorkflowId,
  INDEXING_TASK_QUEUE,
  loadWorkflowId,
} from '../contract/names.ts';
export { type NexusStatusRequest, plimsollService } from '../contract/nexus.ts';
export { annotateDataset } from './annotate-dataset.ts';
export { deleteDataset } from './delete-dataset.ts';
export { deliverWebhook } from './deliver-webhook.ts';
export { dropModel } from './drop-model.ts';
export { embedDataset } from './embed-dataset.ts';
export { exportDataset } from './export-dataset.ts';
export { findDuplicates } from './find-duplicates.ts';
export { forgetSource } from './forget-source.ts';
export { importVectors } from './import-vectors.ts';
export { indexVectors } from './index-vectors.ts';
export { loadDataset } from './load-dataset.ts';
export { pruneDataset } from './prune-dataset.ts';
export { relocateDataset } from './relocate-dataset.ts';
export { retryFailed } from './retry-failed.ts';
export { scheduledLoad } from './scheduled-load.ts';
