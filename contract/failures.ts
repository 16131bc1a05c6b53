/**
 * Every failure that Plimsoll names: the one table from which the types, the API's problems, docs/failures.md and
 * docs/schemas/failure.json come. A code is part of the contract: it never gets another meaning.
 *
 * The reasons why a single file failed (`empty_file`, `decode_failed`, …) are not in it: they belong to a medium, are
 * stored
 * with a sample, and fail no job.
 */
import {
  ANNOTATE_WORKFLOW,
  DELETE_WORKFLOW,
  DROP_WORKFLOW,
  DUPLICATES_WORKFLOW,
  EMBED_WORKFLOW,
  EXPORT_WORKFLOW,
  FORGET_WORKFLOW,
  IMPORT_WORKFLOW,
  INDEX_WORKFLOW,
  LOAD_WORKFLOW,
  PRUNE_WORKFLOW,
  RELOCATE_WORKFLOW,
  RETRY_WORKFLOW,
  SCHEDULED_WORKFLOW,
  WEBHOOK_WORKFLOW,
} from './names.ts';

/** The workflows that callers can start or see. */
export type WorkflowName =
  | typeof LOAD_WORKFLOW
  | typeof RETRY_WORKFLOW
  | typeof EMBED_WORKFLOW
  | typeof PRUNE_WORKFLOW
  | typeof RELOCATE_WORKFLOW
  | typeof FORGET_WORKFLOW
  | typeof DELETE_WORKFLOW
  | typeof DROP_WORKFLOW
  | typeof INDEX_WORKFLOW
  | typeof DUPLICATES_WORKFLOW
  | typeof ANNOTATE_WORKFLOW
  | typeof EXPORT_WORKFLOW
  | typeof IMPORT_WORKFLOW
  | typeof SCHEDULED_WORKFLOW
  | typeof WEBHOOK_WORKFLOW;

export type ProblemStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 408
  | 409
  | 410
  | 413
  | 415
  | 416
  | 417
  | 422
  | 431
  | 500
  | 503;

export interface Failure {
  /** The event, in one sentence. */
  meaning: string;
  /** The remedy, if it is always the same. */
  remedy?: string;
  /** The HTTP status and the title of the API's answer, where it answers with this code. */
  http?: readonly [status: ProblemStatus, title: string];
  /** The workflows that end with it: the type of their ApplicationFailure, and the code in the job's record. */
  ends?: readonly WorkflowName[];
  /**
   * The workflows in which an attempt of an activity fails with it and is tried again. If time runs out, they end with
   * Unexpected.
   */
  retriedIn?: readonly WorkflowName[];
  /** The updates that a job refuses with it. */
  refuses?: readonly ('pause' | 'resume' | 'cancel')[];
  /** True where others write it into the record of a job, because its workflow could not. */
  recorded?: true;
}

/** A schedule's run ends with what its load ends with. */
const LOADS = [LOAD_WORKFLOW, SCHEDULED_WORKFLOW] as const;
const INDEXING = [...LOADS, RETRY_WORKFLOW] as const;
const EMBEDDING = [...INDEXING, EMBED_WORKFLOW] as const;
/** They have no phases. */
const UNPHASED = [PRUNE_WORKFLOW, RELOCATE_WORKFLOW, FORGET_WORKFLOW, DELETE_WORKFLOW, DROP_WORKFLOW] as const;
const JOBS = [
  ...EMBEDDING,
  INDEX_WORKFLOW,
  ...UNPHASED,
  DUPLICATES_WORKFLOW,
  ANNOTATE_WORKFLOW,
  EXPORT_WORKFLOW,
  IMPORT_WORKFLOW,
] as const;
const ALL = [...JOBS, WEBHOOK_WORKFLOW] as const;
const WITH_WEBHOOKS = [...EMBEDDING, DUPLICATES_WORKFLOW, ANNOTATE_WORKFLOW, EXPORT_WORKFLOW, IMPORT_WORKFLOW] as const;
const ANNOTATING = [...LOADS, ANNOTATE_WORKFLOW] as const;

const DOCTOR = 'Run `plimsoll doctor`.';

export const FAILURES = {
  // Inputs of jobs.
  InvalidInput: {
    meaning: 'The input of a workflow, an update or a request is wrong; the message names each field.',
    http: [422, 'The input is wrong'],
    ends: JOBS,
    refuses: ['cancel'],
  },
  SourceNotAbsolute: {
    meaning: 'The folder to read from is not named by an absolute path.',
    ends: [...LOADS, RELOCATE_WORKFLOW],
  },
  SourceNotFound: {
    meaning: 'A folder to read from is not there; nothing was changed.',
    remedy: 'Mount the disk, or correct the path.',
    ends: [...INDEXING, PRUNE_WORKFLOW, RELOCATE_WORKFLOW, ANNOTATE_WORKFLOW, IMPORT_WORKFLOW],
  },
  SourceNotAFolder: {
    meaning: 'The folder to read from is a file, or a part of its path is.',
    ends: [...LOADS, RELOCATE_WORKFLOW, ANNOTATE_WORKFLOW, IMPORT_WORKFLOW],
  },
  SourceUnreadable: {
    meaning: 'The worker may not read the source, or the source is a link that leads back to itself.',
    ends: [...LOADS, RELOCATE_WORKFLOW, ANNOTATE_WORKFLOW, IMPORT_WORKFLOW],
  },
  SourceEmpty: {
    meaning: 'The source is empty or holds no file of a known format; nothing was changed.',
    remedy: 'Mount the disk, or correct the path.',
    ends: [...LOADS, RELOCATE_WORKFLOW],
  },
  SourceOutsideRoots: {
    meaning: 'The path is not below one of the folders that loads may read.',
    remedy: 'Name a folder that is, or add it to PLIMSOLL_SOURCE_ROOTS.',
    http: [403, 'The path is outside the source roots'],
    ends: [...LOADS, RELOCATE_WORKFLOW, ANNOTATE_WORKFLOW, IMPORT_WORKFLOW],
  },
  UnknownSource: {
    meaning: 'The worker reads no source of this kind.',
    remedy: 'Name the absolute path of a folder on its machine, or add the kind of source to the worker.',
    ends: [...EMBEDDING, PRUNE_WORKFLOW, RELOCATE_WORKFLOW, ANNOTATE_WORKFLOW, EXPORT_WORKFLOW, IMPORT_WORKFLOW],
  },
  UnknownMedium: {
    meaning: 'The worker does not support the medium of this dataset.',
    remedy: 'Give the plugin of all workers the same `media`.',
    ends: [...EMBEDDING, ANNOTATE_WORKFLOW, EXPORT_WORKFLOW],
  },
  MediaTypeConflict: {
    meaning: 'The dataset holds samples of another medium than the load brings.',
    remedy: 'Load into another dataset.',
    ends: LOADS,
  },
  MediumUnclear: {
    meaning: 'The source holds files of several media, and nothing says which of them to load.',
    remedy: 'Name the medium: --media image or --media text, "media" in a request.',
    ends: LOADS,
  },
  ChunksDiffer: {
    meaning: 'The dataset has chunks of another size than the load asks for.',
    remedy: 'Leave the option out, load into another dataset, or add --reread to cut all documents anew.',
    ends: LOADS,
  },
  TokenizerNotHere: {
    meaning: "The indexing worker lacks the model in whose tokens the dataset's chunks are counted.",
    remedy: 'Put the model on its machine as well, or load with --chunk-unit characters.',
    ends: INDEXING,
  },
  SourceChanged: {
    meaning: 'The source was unmounted or replaced while it was being listed; nothing was marked as missing.',
    remedy: 'Mount it and load it again.',
    ends: LOADS,
  },
  UnknownTimeZone: {
    meaning: 'The worker does not know the time zone.',
    remedy: 'Write a name of the IANA database, as in Europe/Zurich.',
    ends: EMBEDDING,
  },
  UnknownWebhookSecret: {
    meaning: 'The worker has no signing secret of the name that a webhook asks for.',
    remedy: 'Add it to the file that PLIMSOLL_WEBHOOK_SECRETS names.',
    ends: WITH_WEBHOOKS,
    retriedIn: [WEBHOOK_WORKFLOW],
  },
  InvalidWebhookSecrets: {
    meaning: "The worker's file of signing secrets can not be used.",
    remedy: 'Correct the file that PLIMSOLL_WEBHOOK_SECRETS names.',
    ends: WITH_WEBHOOKS,
    retriedIn: [WEBHOOK_WORKFLOW],
  },
  WebhookTargetRefused: {
    meaning: 'A webhook leads to an address that is not public, or to plain http.',
    remedy: 'Use a public https address, or allow this one with PLIMSOLL_WEBHOOK_ALLOW.',
    ends: WITH_WEBHOOKS,
    retriedIn: [WEBHOOK_WORKFLOW],
  },

  // Folders of a dataset that moved, or are gone for good.
  FolderNotInDataset: {
    meaning: 'No sample of the dataset lies below the folder, and no source of it does; nothing was changed.',
    remedy: 'Name a source of the dataset, or a folder below one: `plimsoll datasets --json` lists them.',
    http: [422, 'The folder holds nothing of the dataset'],
    ends: [RELOCATE_WORKFLOW, FORGET_WORKFLOW],
  },
  FoldersOverlap: {
    meaning: 'The old and the new folder of a relocate are the same, or one contains the other; nothing was changed.',
    remedy: 'Relocate to a folder beside the old one.',
    http: [422, 'The folders overlap'],
    ends: [RELOCATE_WORKFLOW],
  },
  PathTaken: {
    meaning: 'A sample has a path already that a relocate would give to another one; nothing was changed.',
    remedy:
      'The message says which samples to drop with `plimsoll forget`: those of the new folder, or the old ones that are left.',
    ends: [RELOCATE_WORKFLOW],
  },
  FilesNotMoved: {
    meaning: 'Not one of the files that a relocate looked for is below the new folder; nothing was changed.',
    remedy: 'Correct the path of the new folder.',
    ends: [RELOCATE_WORKFLOW],
  },

  // Datasets.
  DatasetNotFound: {
    meaning: 'There is no such dataset, or it was deleted while the job worked on it.',
    http: [404, 'There is no such dataset'],
    ends: JOBS,
  },
  DatasetBeingDeleted: {
    meaning: 'The dataset is being deleted, or its deletion was broken off.',
    remedy: 'Wait for the deletion, or delete the dataset again.',
    http: [409, 'The dataset is being deleted'],
    ends: [
      ...EMBEDDING,
      PRUNE_WORKFLOW,
      RELOCATE_WORKFLOW,
      FORGET_WORKFLOW,
      DROP_WORKFLOW,
      INDEX_WORKFLOW,
      DUPLICATES_WORKFLOW,
      ANNOTATE_WORKFLOW,
      EXPORT_WORKFLOW,
      IMPORT_WORKFLOW,
    ],
  },

  // Indexing.
  TooManyFailed: {
    meaning: 'No file could be read, or a larger share failed than `max_failed_percent` allows.',
    remedy: 'See why: `plimsoll samples DATASET --errors`.',
    ends: LOADS,
  },
  PageGone: {
    meaning: 'A page of the listing was removed, because the job had ended.',
    remedy: 'Load the folder again.',
    ends: INDEXING,
  },
  Superseded: {
    meaning: 'The job has ended on record or another one has taken its place, so it writes nothing more.',
    ends: JOBS,
  },

  // Embedding.
  ModelNotFound: {
    meaning: 'The embedding worker has no model of this name.',
    remedy: 'Fetch it there (`plimsoll models fetch`), or name a folder on its machine or one below PLIMSOLL_MODELS.',
    ends: EMBEDDING,
  },
  ModelInvalid: {
    meaning: "The model's files can not be used as an embedding model; the message names the file.",
    ends: EMBEDDING,
  },
  ModelChanged: {
    meaning: "The model's files were replaced while the embedding was under way.",
    remedy: 'Start the embedding again.',
    ends: EMBEDDING,
  },
  ModelHasNoText: {
    meaning: 'The model knows pictures only, so words can not be compared with its vectors.',
    remedy: 'Search by a picture, or embed the dataset with a model that has a text side, such as CLIP or SigLIP.',
    http: [422, 'The model has no text side'],
  },
  DeviceUnavailable: {
    meaning: 'A device that the embedding worker is configured for is not there, or gives wrong vectors.',
    remedy: 'Correct PLIMSOLL_DEVICE, or install what the device needs.',
    ends: EMBEDDING,
  },
  InferenceUnavailable: {
    meaning: 'The inference process could not be kept alive.',
    http: [503, 'The model does not answer'],
    retriedIn: EMBEDDING,
  },
  NothingEmbedded: {
    meaning: 'There was something to embed, and not one sample could be.',
    remedy: 'See why: `plimsoll samples DATASET --errors`.',
    ends: EMBEDDING,
  },

  // How jobs end, whatever they do.
  Canceled: {
    meaning: 'The job was canceled; what was done is kept.',
    ends: JOBS,
    recorded: true,
  },
  WorkCanceled: {
    meaning: 'A part of the job was canceled on Temporal, and not the job.',
    remedy: 'Start the job again: it goes on where it was.',
    ends: ALL,
  },
  TimedOut: {
    meaning: 'A part of the job, or its workflow, did not end in time.',
    remedy: 'See whether a worker polls its task queue (`plimsoll doctor`), then start the job again.',
    ends: ALL,
    recorded: true,
  },
  Unexpected: {
    meaning: 'Something failed that has no code of its own; the message says what.',
    ends: ALL,
    recorded: true,
  },
  Terminated: {
    meaning: 'The workflow was terminated on Temporal; what was done is kept.',
    remedy: 'Start the job again: it goes on where it was.',
    recorded: true,
  },
  Replaced: {
    meaning: 'Another job took its place, and it was terminated because it did not end when it was canceled.',
    recorded: true,
  },
  WorkflowLost: {
    meaning: 'Temporal does not know the workflow of the job: its history was removed, or this is another server.',
    remedy: 'Start the job again: it goes on where it was.',
    recorded: true,
  },
  Unrecorded: {
    meaning: 'The job failed and left no record in this database.',
    recorded: true,
  },

  // Webhooks.
  WebhooksBusy: {
    meaning: 'The worker sends as many messages to webhooks as it may.',
    retriedIn: [WEBHOOK_WORKFLOW],
  },
  WebhookNotAnswered: {
    meaning: 'The receiver of a webhook did not answer.',
    retriedIn: [WEBHOOK_WORKFLOW],
  },
  WebhookNotAccepted: {
    meaning: 'The receiver of a webhook answered with a status that is no success.',
    retriedIn: [WEBHOOK_WORKFLOW],
  },
  WorkerStopped: {
    meaning: 'The worker was stopped while it sent a message; another one goes on.',
    retriedIn: [WEBHOOK_WORKFLOW],
  },

  // Searching.
  NoVectors: {
    meaning: 'The dataset has no vectors to search yet.',
    remedy: 'Embed it, or wait until its embedding has stored the first batch.',
    http: [409, 'There are no vectors yet'],
    ends: [INDEX_WORKFLOW, DUPLICATES_WORKFLOW, EXPORT_WORKFLOW],
  },
  ModelNotInDataset: {
    meaning: 'No sample of the dataset has a vector of this model.',
    http: [404, 'The dataset has no vectors of this model'],
    ends: [DROP_WORKFLOW, INDEX_WORKFLOW, DUPLICATES_WORKFLOW, EXPORT_WORKFLOW],
  },
  ModelServes: {
    meaning: 'Searches of the dataset use this model, so its vectors are not dropped; nothing was changed.',
    remedy: 'Let another model serve them first: `plimsoll models use DATASET MODEL`.',
    http: [409, 'Searches use this model'],
    ends: [DROP_WORKFLOW],
  },
  ArtifactUnreadable: {
    meaning: 'The file is not an artifact, was cut near its beginning, or was encoded again.',
    remedy: 'Use the file as it was written.',
    ends: LOADS,
  },
  IndexOfAnother: {
    meaning: 'The index belongs to another artifact than the one that is searched.',
    remedy: 'Name the index that was written with the artifact.',
  },
  ArtifactTooNew: {
    meaning: 'A newer version of Plimsoll has written the artifact.',
    remedy: 'Read it with that version.',
    ends: LOADS,
  },
  ArtifactDamaged: {
    meaning: 'A frame of the chunk can not be read; the message names it. Other chunks may be whole.',
    remedy: 'See which: `plimsoll decode FILE --verify`.',
  },
  ChunkNotFound: {
    meaning: 'The artifact has no chunk of this number.',
  },
  ArtifactNotWritable: {
    meaning:
      'The artifact can not be written there: its folder is missing or not allowed, another file is there, or a chunk is too large.',
    ends: LOADS,
  },
  AnnotationsNotFound: {
    meaning: 'The file or folder of annotations is not there, or is not one that may be read.',
    remedy: "Name its absolute path on the indexing worker's machine.",
    ends: ANNOTATING,
  },
  AnnotationsUnclear: {
    meaning: 'The format or the task of the annotations may be several; the message names them. Nothing was changed.',
    remedy: 'Name it: `--annotation-format`, `--task`, or `--annotations none`.',
    ends: ANNOTATING,
  },
  AnnotationsBroken: {
    meaning:
      'A file of annotations can not be read as a whole; the message says where it breaks. No sample was marked missing.',
    ends: [...ANNOTATING, IMPORT_WORKFLOW],
  },
  ExportNotWritable: {
    meaning:
      'The dataset can not be exported there or in this format: the folder holds something else or may not be written, or the message says what the format lacks.',
    remedy: 'Name a folder that is empty or not there, or follow the message.',
    ends: [EXPORT_WORKFLOW],
  },
  VectorsUnreadable: {
    meaning:
      'A file of vectors is not there, may not be read, is broken as a whole, or does not say which samples its rows are of; the message says which.',
    ends: [IMPORT_WORKFLOW],
  },
  NothingImported: {
    meaning: 'Not one row of a file of vectors has a vector of a sample that could be read; the message counts them.',
    remedy: 'See why: `plimsoll status JOB`.',
    ends: [IMPORT_WORKFLOW],
  },
  SearchUnavailable: {
    meaning: 'Vectors can not be searched now; the message says what is missing, or how far it is.',
    http: [503, 'Searches are not possible now'],
  },
  SampleWithoutVector: {
    meaning: 'The sample that a search should start from has no vector of what it holds now.',
    remedy: 'Wait for its embedding, or search by another sample.',
    http: [409, 'The sample has no vector'],
  },
  InvalidVector: {
    meaning: 'The vector of a search has another length than those that are searched, or has no direction.',
    remedy: 'Make it with the model whose vectors are searched.',
    http: [422, 'The vector can not be used'],
  },
  PictureUnreadable: {
    meaning: 'The picture of a search is too large, or can not be read as a picture.',
    http: [422, 'The picture can not be read'],
  },
  ModelNotHere: {
    meaning:
      'Words and pictures can not be encoded on the machine that searches: the files of the model are not there, are of another revision, or can not be used.',
    remedy:
      'Fetch it there (`plimsoll models fetch`), or put the files, at this revision, into a folder that PLIMSOLL_MODELS names.',
    http: [409, 'The model can not be used on this machine'],
  },

  // Starting and operating jobs.
  AlreadyRunning: {
    meaning:
      "A job of this dataset, an embedding of it with this model, or a drop or an import of the model's vectors is running.",
    remedy: 'Wait for it, attach to it, or replace it.',
    http: [409, 'A job is running already'],
    ends: [DROP_WORKFLOW, IMPORT_WORKFLOW],
  },
  JobNotFound: {
    meaning: 'No job has this ID, and no job of a dataset of this name is known.',
    http: [404, 'There is no such job'],
  },
  AmbiguousJob: {
    meaning: 'Several jobs match.',
    remedy: "Give more of the job's ID.",
    http: [409, 'Several jobs are meant'],
  },
  JobEnded: {
    meaning: 'The job has ended or is about to, so there is nothing to operate.',
    http: [409, 'The job has ended'],
    refuses: ['pause', 'resume', 'cancel'],
  },
  NotPaused: {
    meaning: 'The job is not paused, so there is nothing to resume.',
    http: [409, 'The job is not paused'],
    refuses: ['resume'],
  },
  NotPausable: {
    meaning: 'A job of this kind can be canceled, but not paused.',
    http: [409, 'The job can not be paused'],
  },
  NoWorker: {
    meaning: 'No indexing worker has answered in time.',
    remedy: DOCTOR,
    http: [503, 'No worker answers'],
  },
  Refused: {
    meaning: 'The job refused an update for a reason that has no code of its own.',
    http: [409, 'The job refuses this now'],
  },
  WaitTimeout: {
    meaning: 'The job has not come as far as was waited for; it goes on.',
    remedy: 'Wait for it again.',
  },

  IdempotencyKeyReused: {
    meaning: 'The `Idempotency-Key` of this request belongs to a request with another address or body.',
    remedy: 'Take a new key for each request, and the same one only to repeat it.',
    http: [422, 'The key belongs to another request'],
  },
  IdempotencyKeyInUse: {
    meaning: 'The request with this `Idempotency-Key` is being carried out.',
    remedy: 'Repeat it in a moment.',
    http: [409, 'The request with this key is being carried out'],
  },

  // Schedules.
  ScheduleNotFound: {
    meaning: 'There is no schedule of this name.',
    http: [404, 'There is no such schedule'],
  },
  ScheduleExists: {
    meaning: 'There is a schedule of this name already.',
    remedy: 'Choose another name, or delete that schedule.',
    http: [409, 'There is a schedule of this name already'],
  },
  InvalidSchedule: {
    meaning: 'The times of a schedule can not be used.',
    http: [422, 'The times of the schedule can not be used'],
  },

  // Servers and settings.
  TemporalUnreachable: {
    meaning: 'Temporal does not answer at the address that is configured.',
    remedy: DOCTOR,
  },
  MongoDBUnreachable: {
    meaning: 'MongoDB does not answer at the address that is configured.',
    remedy: DOCTOR,
  },
  NamespaceNotFound: {
    meaning: 'The Temporal server has no namespace of this name.',
    remedy: 'Create it, or correct TEMPORAL_NAMESPACE.',
  },
  SchemaTooOld: {
    meaning: 'The database was written by an older Plimsoll, and there is no migration from it.',
    remedy: 'Name another database in MONGODB_URI and load the folders again.',
  },
  SchemaTooNew: {
    meaning: 'The database was written by a newer Plimsoll.',
    remedy: 'Update this Plimsoll, or name another database in MONGODB_URI.',
  },
  ReplicaSetRequired: {
    meaning: 'MongoDB runs as a standalone server; Plimsoll needs a replica set.',
    remedy: 'Start mongod with --replSet and run rs.initiate() once.',
  },
  InvalidSetting: {
    meaning: 'A setting is missing or can not be used; the message names it.',
  },
  TokenNeeded: {
    meaning: 'The API would listen on an address that others can reach, without asking for a token.',
    remedy: 'Make one with `plimsoll token create`.',
  },
  SourceRootsNeeded: {
    meaning: 'The API would listen on an address that others can reach, without source roots.',
    remedy: 'Set PLIMSOLL_SOURCE_ROOTS.',
  },
  PortTaken: {
    meaning: 'Another process uses the port.',
    remedy: 'Choose another port.',
  },
  ActivityNameClash: {
    meaning: "A worker has activities of its own whose names are those of Plimsoll's.",
    remedy: 'Rename them.',
  },

  // The command and the local stack.
  InvalidUsage: {
    meaning: 'The command line is wrong.',
    remedy: 'See `plimsoll COMMAND --help`.',
  },
  InvalidConfig: {
    meaning: 'plimsoll.toml can not be used; the message names the file, the line and the key.',
    remedy: 'Correct it, or leave it out with `--no-config`.',
  },
  Interrupted: {
    meaning: 'The command was interrupted while it waited; what it waited for goes on.',
  },
  NoServers: {
    meaning: 'No local stack runs, and no other servers are configured.',
    remedy: 'Start one with `plimsoll up`, or set MONGODB_URI and TEMPORAL_ADDRESS.',
  },
  BinaryUnavailable: {
    meaning: "A server's program is not on this machine, and could not be downloaded or built.",
    remedy: 'Set PLIMSOLL_TEMPORAL_BINARY or PLIMSOLL_MONGOD_BINARY.',
  },
  UnknownModel: {
    meaning: 'No model of this name was fetched, can be fetched, or is on the hub.',
    remedy: 'List the models: `plimsoll models list`.',
  },
  HubUnreachable: {
    meaning: 'The hub of models does not answer, or only with errors; the message names the files to bring by hand.',
    remedy: 'Try again, or name a mirror in HF_ENDPOINT.',
  },
  HubRefused: {
    meaning: 'The hub of models does not give this repository to this caller.',
    remedy: 'Set HF_TOKEN, and give consent on the page of the model if it asks for it.',
  },
  HubAnswerInvalid: {
    meaning: "The answer of the hub is not a hub's, or a file differs from what the hub states of it.",
    remedy: 'Try again, or correct HF_ENDPOINT.',
  },
  ModelNotFetched: {
    meaning: 'A folder in the place of a fetched model was made by somebody else, so it is left as it is.',
    remedy: 'Move the folder away.',
  },
  CudaUnsupported: {
    meaning:
      "The CUDA libraries can't be chosen or used here: the system, the NVIDIA driver or the GPU does not allow it.",
  },
  PackageUnavailable: {
    meaning:
      'A package can not be fetched from its index, or is not in the folder; the message names the files to bring.',
    remedy: 'Try again, or name a mirror in PIP_INDEX_URL.',
  },
  PackageInvalid: {
    meaning: 'A package, or the answer of its index, is not what was stated or expected.',
    remedy: 'Try again, or correct PIP_INDEX_URL.',
  },
  DiskFull: {
    meaning: 'The disk has no room for a model, or for the CUDA libraries.',
    remedy: 'Make room, or name another folder in PLIMSOLL_CACHE.',
  },
  StackRunning: {
    meaning: 'A local stack runs in this data folder already.',
    remedy: 'Use it, stop it, or choose another folder with --data.',
  },
  StartFailed: {
    meaning: 'A process of the local stack did not start; the message holds the end of its log.',
  },
  StartCanceled: {
    meaning: 'The local stack was stopped while it started.',
  },
  CrashLoop: {
    meaning: 'A process of the local stack died again and again, and is not started any more.',
  },

  // The HTTP API's own.
  InvalidParameter: {
    meaning: 'A parameter of the path, the query or a header is wrong; `errors` names it.',
    http: [400, 'A parameter is wrong'],
  },
  InvalidJson: {
    meaning: 'The body of the request is not JSON.',
    http: [400, 'The body is not JSON'],
  },
  BodyIncomplete: {
    meaning: 'The body of the request ended before it was whole.',
    http: [400, 'The body is incomplete'],
  },
  InvalidRequest: {
    meaning: 'The request is not HTTP/1.1, or its address can not be read.',
    http: [400, 'The request can not be read'],
  },
  TokenRequired: {
    meaning: 'The server asks for a token, and the request has none.',
    remedy: 'Send `Authorization: Bearer TOKEN`.',
    http: [401, 'A token is needed'],
  },
  TokenInvalid: {
    meaning: 'The server does not know the token.',
    http: [401, 'The token is not known'],
  },
  ScopeMissing: {
    meaning: 'The token may read, and this needs one that may operate.',
    http: [403, 'The token may not do this'],
  },
  OriginRefused: {
    meaning: 'A page of another site sent the request.',
    remedy: 'Add the site to PLIMSOLL_API_ORIGINS if it is yours.',
    http: [403, 'The request came from another site'],
  },
  HostRefused: {
    meaning: "The request's Host header names another server.",
    http: [403, 'Unknown Host header'],
  },
  FileOutsideRoots: {
    meaning: 'The file of a sample is not below one of the folders that may be served.',
    http: [403, 'The file is outside the source roots'],
  },
  NotFound: {
    meaning: 'The API has no such address.',
    http: [404, 'There is no such address'],
  },
  SampleNotFound: {
    meaning: 'The dataset has no sample of this number.',
    http: [404, 'There is no such sample'],
  },
  FolderNotFound: {
    meaning: 'There is no such folder that the server can read.',
    http: [404, 'There is no such folder'],
  },
  MethodNotAllowed: {
    meaning: 'The address takes other methods than this one; `Allow` lists them.',
    http: [405, 'This method is not allowed here'],
  },
  RequestTimeout: {
    meaning: 'The request did not arrive in time.',
    http: [408, 'The request did not arrive in time'],
  },
  FileNotRead: {
    meaning: 'Indexing could not read the file of the sample, so its bytes are not served.',
    remedy: 'Mend the file, and load its folder again.',
    http: [409, 'The file was not read'],
  },
  FileChanged: {
    meaning: 'The file of a sample has changed since it was read, and can not be drawn as a picture.',
    remedy: 'Load its folder again.',
    http: [409, 'The file has changed'],
  },
  FileGone: {
    meaning: 'The file of a sample is no longer there, or can not be read.',
    http: [410, 'The file is no longer there'],
  },
  BodyTooLarge: {
    meaning: 'The body of the request is larger than 1 MiB.',
    http: [413, 'The body is too large'],
  },
  UnsupportedMediaType: {
    meaning: 'The body of the request does not say that it is JSON.',
    remedy: 'Send it as application/json.',
    http: [415, 'The body is not application/json'],
  },
  RangeNotSatisfiable: {
    meaning: 'The file has no such range of bytes.',
    http: [416, 'The file has no such range'],
  },
  ExpectationFailed: {
    meaning: 'The request expects something else than 100-continue.',
    http: [417, 'This expectation can not be met'],
  },
  NoDocument: {
    meaning:
      'The sample belongs to no document with text: it is a picture, or its file could not be read or is missing.',
    http: [409, 'There is no document'],
  },
  ThumbnailFailed: {
    meaning: 'The image of a sample can not be drawn; `Plimsoll-Reason` says why.',
    http: [422, 'The image can not be drawn'],
  },
  HeadersTooLarge: {
    meaning: 'The address and the headers of the request have more than 32 KiB.',
    http: [431, 'The headers are too large'],
  },
  InternalError: {
    meaning: 'The server has a fault; its log says which one.',
    http: [500, 'The server has a fault'],
  },
  TooManyStreams: {
    meaning: 'As many event streams are open as the server holds.',
    remedy: 'Try again later.',
    http: [503, 'Too many streams are open'],
  },
  TooManyConnections: {
    meaning: 'The address of the caller has as many connections open as one address may have.',
    remedy: 'Close some, or try again later.',
    http: [503, 'Too many connections are open'],
  },
  MongoDBUnavailable: {
    meaning: 'The server has no connection to MongoDB at the moment.',
    remedy: 'Try again in a moment.',
    http: [503, 'MongoDB does not answer'],
  },
  TemporalUnavailable: {
    meaning: 'The server has no connection to Temporal at the moment, or no worker answers it.',
    remedy: 'Try again in a moment.',
    http: [503, 'Temporal does not answer'],
  },
  TooSlow: {
    meaning: 'The answer takes longer to find than the server allows.',
    http: [503, 'The answer takes too long to find'],
  },
  Overloaded: {
    meaning: 'The server has more work than it takes on.',
    remedy: 'Try again in a moment.',
    http: [503, 'The server is busy'],
  },
} as const satisfies Record<string, Failure>;

export type FailureCode = keyof typeof FAILURES;

/** A code that the API answers with. */
export type ProblemCode = {
  [Code in FailureCode]: (typeof FAILURES)[Code] extends { http: unknown } ? Code : never;
}[FailureCode];

export const isFailureCode = (code: unknown): code is FailureCode =>
  typeof code === 'string' && Object.hasOwn(FAILURES, code);

/** The table as a list, in its own order. */
export const failures = (): [code: FailureCode, failure: Failure][] =>
  Object.entries(FAILURES as Record<string, Failure>) as [FailureCode, Failure][];
