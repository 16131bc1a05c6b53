import type { CancelRequest, EmbedDatasetRequest, LoadDatasetRequest } from '../contract/inputs.ts';
import type { JobStatus, RemovedCounts } from '../contract/job.ts';
import type { Backends } from './backends.ts';
import { type CleanupFilter, type CleanupResult, cleanup, findCleanup } from './cleanup.ts';
import { countDelete, type DeletePreview, startDelete } from './delete.ts';
import { findJob, findJobToOperate } from './find-job.ts';
import { type Limits, limitsOf } from './limits.ts';
import { type JobFilter, type JobPage, listJobs } from './list-jobs.ts';
import { cancelJob, pauseJob, resumeJob } from './operate.ts';
import { countPrune, startPrune } from './prune.ts';
import { readJob } from './read-job.ts';
import { type RetryChanges, startRetry } from './retry.ts';
import { createSchedules, type Schedules } from './schedules.ts';
import { type StartedJob, type StartOptions, startEmbedding, startLoad } from './start.ts';
import { type WaitOptions, waitFor } from './wait.ts';
import { watchJob } from './watch-job.ts';

/**
 * Plimsoll's client: what the CLI and the API are made of. Wherever a job is asked for, a full ID, a unique prefix of at
 * least six characters, or a dataset's name will do: its latest job, or, to be paused, resumed or canceled, the one that is not over.
 */
export interface PlimsollClient extends Backends {
  /** @throws UserError InvalidInput, AlreadyRunning */
  startLoad(request: LoadDatasetRequest, options?: StartOptions): Promise<StartedJob>;
  /** @throws UserError InvalidInput, AlreadyRunning, DatasetNotFound */
  startEmbedding(request: EmbedDatasetRequest, options?: StartOptions): Promise<StartedJob>;
  /**
   * Retries what failed in a job's dataset, as that job did it but for the changes.
   *
   * @throws UserError InvalidInput, JobNotFound, AmbiguousJob, DatasetNotFound, AlreadyRunning
   */
  retry(reference: string, changes?: RetryChanges, options?: StartOptions): Promise<StartedJob>;
  /** Removes the samples whose files are missing. @throws UserError InvalidInput, AlreadyRunning, DatasetNotFound */
  prune(dataset: string, options?: StartOptions): Promise<StartedJob>;
  /** What a prune would remove now. @throws UserError DatasetNotFound */
  countPrune(dataset: string): Promise<RemovedCounts>;
  /** Deletes a dataset; its files stay, and schedules that load it are paused. @throws UserError InvalidInput, AlreadyRunning, DatasetNotFound */
  deleteDataset(dataset: string, options?: StartOptions): Promise<StartedJob>;
  /** What a deletion would remove now, and which schedules it would pause. @throws UserError DatasetNotFound */
  countDelete(dataset: string): Promise<DeletePreview>;
  /** @throws UserError JobNotFound, AmbiguousJob */
  status(reference: string): Promise<JobStatus>;
  /** Stops a job until it is resumed; it keeps what it has. @throws UserError JobNotFound, AmbiguousJob, JobEnded, NotPausable */
  pause(reference: string): Promise<JobStatus>;
  /** @throws UserError JobNotFound, AmbiguousJob, JobEnded, NotPaused, NotPausable */
  resume(reference: string): Promise<JobStatus>;
  /** Asks a job to end; it keeps what it has. @throws UserError JobNotFound, AmbiguousJob, JobEnded */
  cancel(reference: string, request?: CancelRequest): Promise<JobStatus>;
  jobs(filter?: JobFilter): Promise<JobPage>;
  /** Loads that are repeated. */
  schedules: Schedules;
  /** Removes the records of jobs that ended before a time; datasets stay. */
  cleanup(filter: CleanupFilter): Promise<CleanupResult>;
  /** What a cleanup would remove now. */
  findCleanup(filter: CleanupFilter): Promise<CleanupResult>;
  /** Caps on images a second. */
  limits: Limits;
  /** Yields the status now and after each change, until the job has ended. */
  watch(reference: string, signal?: AbortSignal): AsyncGenerator<JobStatus>;
  /** @throws UserError JobNotFound, AmbiguousJob; WaitTimeoutError */
  wait(reference: string, options?: WaitOptions): Promise<JobStatus>;
}

export function createPlimsollClient(backends: Backends): PlimsollClient {
  return {
    ...backends,
    startLoad: (request, options) => startLoad(backends, request, options),
    startEmbedding: (request, options) => startEmbedding(backends, request, options),
    retry: (reference, changes, options) => startRetry(backends, reference, changes, options),
    prune: (dataset, options) => startPrune(backends, { dataset }, options),
    countPrune: (dataset) => countPrune(backends, dataset),
    deleteDataset: (dataset, options) => startDelete(backends, { dataset }, options),
    countDelete: (dataset) => countDelete(backends, dataset),
    status: async (reference) => readJob(backends, await findJob(backends, reference)),
    pause: async (reference) => pauseJob(backends, await findJobToOperate(backends, reference)),
    resume: async (reference) => resumeJob(backends, await findJobToOperate(backends, reference)),
    cancel: async (reference, request) => cancelJob(backends, await findJobToOperate(backends, reference), request),
    jobs: (filter = {}) => listJobs(backends, filter),
    schedules: createSchedules(backends),
    cleanup: (filter) => cleanup(backends, filter),
    findCleanup: (filter) => findCleanup(backends, filter),
    limits: limitsOf(backends),
    async *watch(reference, signal) {
      yield* watchJob(backends, await findJob(backends, reference), signal);
    },
    wait: async (reference, options = {}) => waitFor(backends, await findJob(backends, reference), options),
  };
}
