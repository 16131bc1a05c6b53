import type {
  AnnotateDatasetRequest,
  CancelRequest,
  EmbedDatasetRequest,
  ExportDatasetRequest,
  FindDuplicatesRequest,
  ForgetSourceRequest,
  ImportVectorsRequest,
  LoadDatasetRequest,
  RelocateDatasetRequest,
} from '../contract/inputs.ts';
import type { IndexKind, JobStatus, RemovedCounts } from '../contract/job.ts';
import type { QueueOptions } from '../contract/priority.ts';
import type { SearchAnswer, SearchRequest } from '../contract/search.ts';
import { requireDroppable } from '../core/deleting/drop-model.ts';
import { type DatasetModels, listDatasetModels, type UsedModel, useModel } from '../core/search/dataset-models.ts';
import {
  type GroupPage,
  type GroupsRequest,
  readGroups,
  type TaggedRest,
  type TagRestRequest,
  tagRest,
} from '../core/search/duplicates/read-groups.ts';
import { modelToSearch } from '../core/search/model-to-search.ts';
import { getDataset } from '../core/store/datasets.ts';
import type { Backends } from './backends.ts';
import { type CleanupFilter, type CleanupResult, cleanup, findCleanup } from './cleanup.ts';
import { findJob, findJobToOperate } from './find-job.ts';
import {
  ANNOTATE,
  DELETE,
  DROP,
  DUPLICATES,
  EMBED,
  EXPORT,
  FORGET,
  IMPORT,
  INDEX,
  LOAD,
  PRUNE,
  RELOCATE,
} from './job-types.ts';
import { type Limits, limitsOf } from './limits.ts';
import { type JobFilter, type JobPage, listJobs } from './list-jobs.ts';
import { cancelJob, pauseJob, resumeJob } from './operate.ts';
import {
  countDelete,
  countDrop,
  countForget,
  countPrune,
  type DeletePreview,
  type DropPreview,
  type ForgetPreview,
} from './previews.ts';
import { readJob } from './read-job.ts';
import { type RetryChanges, startRetry } from './retry.ts';
import { createSchedules, type Schedules } from './schedules.ts';
import { createSearches } from './searches.ts';
import { type StartedJob, type StartOptions, startJob } from './start.ts';
import { type WaitOptions, waitFor } from './wait.ts';
import { watchJob } from './watch-job.ts';

/** The search index to build. */
export interface IndexRequest extends QueueOptions {
  dataset: string;
  /** The model's key, or its name: the latest revision; the model that serves if left out. */
  model?: string | undefined;
  /** By the number of vectors if left out. */
  kind?: 'auto' | IndexKind | undefined;
  embed_task_queue?: string | undefined;
}

/**
 * Plimsoll's client. The command and the HTTP API are built on it. A reference to a job is its full ID, a unique prefix
 * of at least six characters, or a dataset's name. The name means the dataset's latest job; in pause, resume and
 * cancel, it means the job that is not over.
 */
export interface PlimsollClient extends Backends {
  /** @throws UserError InvalidInput, AlreadyRunning */
  startLoad(request: LoadDatasetRequest, options?: StartOptions): Promise<StartedJob>;
  /** @throws UserError InvalidInput, AlreadyRunning, DatasetNotFound */
  startEmbedding(request: EmbedDatasetRequest, options?: StartOptions): Promise<StartedJob>;
  /**
   * Retries what failed in a job's dataset, with that job's options and these changes.
   *
   * @throws UserError InvalidInput, JobNotFound, AmbiguousJob, DatasetNotFound, AlreadyRunning
   */
  retry(reference: string, changes?: RetryChanges, options?: StartOptions): Promise<StartedJob>;
  /**
   * Starts to remove the samples whose files are missing.
   *
   * @throws UserError InvalidInput, AlreadyRunning, DatasetNotFound
   */
  prune(dataset: string, options?: StartOptions): Promise<StartedJob>;
  /** Previews what a prune would remove now. @throws UserError DatasetNotFound */
  countPrune(dataset: string): Promise<RemovedCounts>;
  /**
   * Starts to follow files that were moved to another folder. Their samples keep their numbers, tags and vectors.
   *
   * @throws UserError InvalidInput, AlreadyRunning, DatasetNotFound
   */
  relocate(request: RelocateDatasetRequest, options?: StartOptions): Promise<StartedJob>;
  /**
   * Starts to read annotations into a dataset that is there, or to remove a field of them. No vector is touched.
   *
   * @throws UserError InvalidInput, AlreadyRunning, DatasetNotFound
   */
  annotate(request: AnnotateDatasetRequest, options?: StartOptions): Promise<StartedJob>;
  /**
   * Starts to write the samples of a dataset, with their annotations or vectors, to a folder on the indexing worker's
   * machine. Exports to other folders, and loads, may run beside it.
   *
   * @throws UserError InvalidInput, AlreadyRunning, DatasetNotFound, NoVectors, ModelNotInDataset
   */
  exportDataset(request: ExportDatasetRequest, options?: StartOptions): Promise<StartedJob>;
  /**
   * Starts to remove the samples below a folder. The files stay.
   *
   * @throws UserError InvalidInput, AlreadyRunning, DatasetNotFound
   */
  forget(request: ForgetSourceRequest, options?: StartOptions): Promise<StartedJob>;
  /**
   * Previews a forget: its removals, and the schedules that would bring them back.
   *
   * @throws UserError InvalidInput, DatasetNotFound, FolderNotInDataset
   */
  countForget(request: ForgetSourceRequest): Promise<ForgetPreview>;
  /**
   * Starts to delete a dataset. Its files stay. Schedules that load it are paused.
   *
   * @throws UserError InvalidInput, AlreadyRunning, DatasetNotFound
   */
  deleteDataset(dataset: string, options?: StartOptions): Promise<StartedJob>;
  /** Previews a deletion: its removals, and the schedules that it would pause. @throws UserError DatasetNotFound */
  countDelete(dataset: string): Promise<DeletePreview>;
  /**
   * Starts to find near-duplicates in a dataset.
   *
   * @throws UserError InvalidInput, AlreadyRunning, DatasetNotFound, NoVectors, ModelNotInDataset
   */
  findDuplicates(request: FindDuplicatesRequest, options?: StartOptions): Promise<StartedJob>;
  /**
   * The groups that the last search for duplicates has found, the largest first.
   *
   * @throws UserError DatasetNotFound, InvalidInput
   */
  duplicates(dataset: string, request: GroupsRequest): Promise<GroupPage>;
  /**
   * Tags all members of the next groups but the one to keep.
   *
   * @throws UserError DatasetNotFound, InvalidInput
   */
  tagDuplicates(dataset: string, request: TagRestRequest): Promise<TaggedRest>;
  /** The models that have vectors in a dataset. @throws UserError DatasetNotFound */
  models(dataset: string): Promise<DatasetModels>;
  /**
   * Lets a model, by its key or name, serve the searches of a dataset from now on.
   *
   * @throws UserError DatasetNotFound, DatasetBeingDeleted, NoVectors, ModelNotInDataset, AlreadyRunning
   */
  useModel(dataset: string, model: string): Promise<UsedModel>;
  /**
   * Starts to build the search index of a model's vectors anew: of the model that serves if none is named.
   *
   * @throws UserError DatasetNotFound, NoVectors, ModelNotInDataset, AlreadyRunning
   */
  indexVectors(request: IndexRequest, options?: StartOptions): Promise<StartedJob>;
  /**
   * Starts to give the samples of a dataset vectors of a file.
   *
   * @throws UserError InvalidInput, AlreadyRunning, DatasetNotFound
   */
  importVectors(request: ImportVectorsRequest, options?: StartOptions): Promise<StartedJob>;
  /**
   * Starts to remove a model's vectors from a dataset. The model that serves can't be dropped while another has vectors.
   *
   * @throws UserError DatasetNotFound, ModelNotInDataset, ModelServes, InvalidInput, AlreadyRunning
   */
  dropModel(dataset: string, model: string, options?: StartOptions): Promise<StartedJob>;
  /**
   * Previews a drop: its removals, and the schedules that would bring the vectors back.
   *
   * @throws UserError DatasetNotFound, ModelNotInDataset, ModelServes, InvalidInput
   */
  countDrop(dataset: string, model: string): Promise<DropPreview>;
  /** @throws UserError JobNotFound, AmbiguousJob */
  status(reference: string): Promise<JobStatus>;
  /**
   * Stops a job until it is resumed. It keeps what it has done.
   *
   * @throws UserError JobNotFound, AmbiguousJob, JobEnded, NotPausable
   */
  pause(reference: string): Promise<JobStatus>;
  /** @throws UserError JobNotFound, AmbiguousJob, JobEnded, NotPaused, NotPausable */
  resume(reference: string): Promise<JobStatus>;
  /** Asks a job to end. It keeps what it has done. @throws UserError JobNotFound, AmbiguousJob, JobEnded */
  cancel(reference: string, request?: CancelRequest): Promise<JobStatus>;
  jobs(filter?: JobFilter): Promise<JobPage>;
  /** Loads that are repeated. */
  schedules: Schedules;
  /** Removes the records of jobs that ended before a time. Datasets stay. */
  cleanup(filter: CleanupFilter): Promise<CleanupResult>;
  /** Previews what a cleanup would remove now. */
  findCleanup(filter: CleanupFilter): Promise<CleanupResult>;
  /**
   * Finds the samples of a dataset that are nearest to one of `text`, `vector`, `sample` and `picture` (bytes, or the
   * path of a file). Vectors are held, and words and pictures encoded, by processes on this machine. They start with
   * the first search and end when they are idle.
   *
   * @throws UserError InvalidInput, DatasetNotFound, NoVectors, ModelNotInDataset, InvalidVector, SampleNotFound,
   *   SampleWithoutVector, PictureUnreadable, ModelHasNoText, ModelNotHere, SearchUnavailable, TooSlow, InvalidSetting;
   *   InferenceUnavailableError
   */
  search(request: SearchRequest, options?: { signal?: AbortSignal | undefined }): Promise<SearchAnswer>;
  /** Limits of samples per second. */
  limits: Limits;
  /** Yields the status now and after each change until the job has ended. */
  watch(reference: string, signal?: AbortSignal): AsyncGenerator<JobStatus>;
  /** @throws UserError JobNotFound, AmbiguousJob; WaitTimeoutError */
  wait(reference: string, options?: WaitOptions): Promise<JobStatus>;
  /** Ends the processes of searches. The backends stay open. */
  close(): Promise<void>;
}

export function createPlimsollClient(backends: Backends): PlimsollClient {
  const searches = createSearches(backends);
  return {
    ...backends,
    startLoad: (request, options) => startJob(backends, LOAD, request, options),
    startEmbedding: (request, options) => startJob(backends, EMBED, request, options),
    retry: (reference, changes, options) => startRetry(backends, reference, changes, options),
    prune: (dataset, options) => startJob(backends, PRUNE, { dataset }, options),
    countPrune: (dataset) => countPrune(backends, dataset),
    relocate: (request, options) => startJob(backends, RELOCATE, request, options),
    annotate: (request, options) => startJob(backends, ANNOTATE, request, options),
    exportDataset: (request, options) => startJob(backends, EXPORT, request, options),
    forget: (request, options) => startJob(backends, FORGET, request, options),
    countForget: (request) => countForget(backends, request),
    deleteDataset: (dataset, options) => startJob(backends, DELETE, { dataset }, options),
    countDelete: (dataset) => countDelete(backends, dataset),
    findDuplicates: (request, options) => startJob(backends, DUPLICATES, request, options),
    duplicates: async (dataset, request) =>
      readGroups(backends.store, await getDataset(backends.store, dataset), request),
    tagDuplicates: async (dataset, request) =>
      tagRest(backends.store, await getDataset(backends.store, dataset), request),
    models: (dataset) => listDatasetModels(backends.store, dataset),
    useModel: (dataset, model) => useModel(backends.store, dataset, model),
    async indexVectors({ dataset, model, kind, ...queue }, options) {
      const {
        key,
        name,
        asked = name,
      } = await modelToSearch(backends.store, await getDataset(backends.store, dataset), model);
      const request = { dataset, model_key: key, model: asked, ...(kind === undefined ? {} : { kind }), ...queue };
      return startJob(backends, INDEX, request, options);
    },
    importVectors: (request, options) => startJob(backends, IMPORT, request, options),
    async dropModel(dataset, asked, options) {
      const model = await requireDroppable(backends.store, dataset, asked);
      return startJob(backends, DROP, { dataset, model_key: model.key, model: model.asked }, options);
    },
    countDrop: (dataset, model) => countDrop(backends, dataset, model),
    status: async (reference) => readJob(backends, await findJob(backends, reference)),
    pause: async (reference) => pauseJob(backends, await findJobToOperate(backends, reference)),
    resume: async (reference) => resumeJob(backends, await findJobToOperate(backends, reference)),
    cancel: async (reference, request) => cancelJob(backends, await findJobToOperate(backends, reference), request),
    jobs: (filter = {}) => listJobs(backends, filter),
    schedules: createSchedules(backends),
    cleanup: (filter) => cleanup(backends, filter),
    findCleanup: (filter) => findCleanup(backends, filter),
    search: searches.search,
    limits: limitsOf(backends),
    async *watch(reference, signal) {
      yield* watchJob(backends, await findJob(backends, reference), signal);
    },
    wait: async (reference, options = {}) => waitFor(backends, await findJob(backends, reference), options),
    close: searches.close,
  };
}
