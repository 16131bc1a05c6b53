/** Plimsoll's client: starts jobs, reads their status, waits for them and operates them. */

export type { FailureCode } from '../contract/failures.ts';
export type {
  CancelRequest,
  EmbedDatasetRequest,
  ExportDatasetRequest,
  FindDuplicatesRequest,
  ForgetSourceRequest,
  LoadDatasetRequest,
  RelocateDatasetRequest,
} from '../contract/inputs.ts';
export type {
  ArtifactStatus,
  ComparedCounts,
  FileOutcomes,
  JobKind,
  JobState,
  JobStatus,
  MovedCounts,
  PhaseName,
  PhaseState,
  PhaseStatus,
  RecordedError,
  RemovedCounts,
} from '../contract/job.ts';
export type { Passage, SearchAnswer, SearchFilter, SearchHit, SearchMode, SearchRequest } from '../contract/search.ts';
export { UserError } from '../core/errors.ts';
export type { DatasetModel, DatasetModels, UsedModel } from '../core/search/dataset-models.ts';
export type {
  DuplicateGroup,
  GroupPage,
  GroupsRequest,
  TaggedRest,
  TagRestRequest,
} from '../core/search/duplicates/read-groups.ts';
export { openStore, storeOf } from '../core/store/open.ts';
export type { Store } from '../core/store/store.ts';
export type { Job } from '../temporal/jobs.ts';
export type { Backends } from './backends.ts';
export type { CleanupFilter, CleanupResult } from './cleanup.ts';
export { type ConnectedClient, type ConnectOptions, connectPlimsoll } from './connect.ts';
export { AlreadyRunningError } from './if-running.ts';
export type { Limits } from './limits.ts';
export type { JobFilter, JobPage } from './list-jobs.ts';
export { createPlimsollClient, type PlimsollClient } from './plimsoll-client.ts';
export type { RetryChanges } from './retry.ts';
export type { Schedules } from './schedules.ts';
export type { StartedJob, StartOptions } from './start.ts';
export { type Milestone, type WaitOptions, WaitTimeoutError } from './wait.ts';
