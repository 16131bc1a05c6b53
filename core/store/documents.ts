import type { Binary, Long, ObjectId } from 'mongodb';
import type {
  FileOutcomes,
  JobKind,
  JobState,
  PhaseName,
  PhaseState,
  RecordedError,
  RemovedCounts,
  WaitReason,
} from '../../contract/job.ts';

/** The name of a medium: what a dataset's samples are. `image`, so far. */
export type MediaType = string;

/** What a phase waits for. */
export interface Waiting {
  reason: WaitReason;
  since: Date;
  task_queue?: string;
  /** When the wait will be over, where that is known. */
  until?: Date;
  samples_per_second?: number;
}

/** A phase of a load as it is stored; live counts are the sums over `progress` until the phase has ended. */
export interface PhaseDocument {
  state: PhaseState;
  done: number;
  failed: number;
  total: number;
  /** False while the source is still being listed and `total` may grow. */
  total_known: boolean;
  /** What a phase in state `waiting` waits for, and since when. */
  waiting_for?: Waiting;
  /** How long it has waited since it began, waits that are over: time that its rate does not count. */
  waited_ms?: number;
  /** When it was last told to do something else: begin, wait or go on. */
  changed_at?: Date;
  /** Where its activities wait for a worker, if not where the workflow runs. */
  task_queue?: string;
  started_at?: Date;
  finished_at?: Date;
  /** Embedding: samples among `done` that got the vector of equal content, without inference. */
  reused?: number;
  outcomes?: FileOutcomes;
  /** Failures by error code. */
  failures?: Record<string, number>;
  /** Folders that could not be read; at most 100 are named. */
  unreadable_folders?: string[];
  /** At most 100 are named. */
  outside_links?: string[];
  model_key?: string;
}

export interface DatasetDocument {
  /** The dataset's name. */
  _id: string;
  media_type: MediaType;
  sources: string[];
  /** The seq that the next new sample gets. */
  next_seq: number;
  counts: { total: number; indexed: number; failed: number; missing: number };
  phases: Partial<Record<PhaseName, { state: PhaseState; job_id: string; at: Date }>>;
  models: {
    key: string;
    name: string;
    revision: string;
    dim: number;
    vectors: number;
    last_modified_at: Date;
    /** When it last embedded the dataset to the end; left out where it never has. */
    completed_at?: Date;
  }[];
  latest_job: string;
  /** Set once a job has begun to delete the dataset: nothing is written to it any more. */
  deleting?: { job_id: string; at: Date };
  created_at: Date;
  last_modified_at: Date;
}

/** What a medium tells of a sample; `core/media/<medium>` describes the fields. */
export type SampleMetadata = Readonly<Record<string, unknown>>;

/** An item of a file: an image is one, a document will be many. Unique by dataset, path and part. */
export interface SampleDocument {
  _id: ObjectId;
  dataset_id: string;
  /** The sample's number: dense, never reused. */
  seq: number;
  filepath: string;
  /** The path's raw bytes, where they are not valid UTF-8 and `filepath` shows them escaped. */
  filepath_bytes?: Binary;
  /** Which item of its file this is, from 0. Every file has a part 0, also a file that can't be read. */
  part: number;
  /** The file as it was when it was last read. */
  source: { size_bytes: number; mtime_ns: Long; fingerprint: string };
  /** Hash of what is encoded, where indexing knows it. Without it, the file's fingerprint says when to look again. */
  content?: string;
  metadata?: SampleMetadata;
  tags: string[];
  split?: string;
  status: 'indexed' | 'failed' | 'missing';
  error?: RecordedError & { stage: PhaseName; at: Date };
  job_id: string;
  created_at: Date;
  last_modified_at: Date;
}

export interface EmbeddingDocument {
  _id: ObjectId;
  dataset_id: string;
  seq: number;
  sample_id: ObjectId;
  model_key: string;
  dim: number;
  /** BSON Binary subtype 9 (vector), float32. */
  vector: Binary;
  /** Hash of what was encoded: SHA-256 in hexadecimal digits. Equal content has equal vectors. */
  content: string;
  /** The sample's version that the vector belongs to: see `versionOf` in core/embedding/lacking.ts. */
  version: string;
}

export interface JobDocument {
  /** The job ID: the workflow's first execution run ID. */
  _id: string;
  kind: JobKind;
  dataset_id: string;
  workflow_id: string;
  request: Record<string, unknown>;
  state: JobState;
  phases: Record<PhaseName, PhaseDocument>;
  /** The device of the source's folder when the load began. */
  source_device?: string;
  /** Of a retry: whether it embeds what failed, or all that lacks a vector of its model. */
  retry_scope?: 'failed' | 'lacking';
  /** Of a prune or a delete, so far. */
  removed?: RemovedCounts;
  error?: RecordedError;
  started_at: Date;
  /** Since when the load is paused. */
  paused_at?: Date;
  /** When it was last resumed. */
  resumed_at?: Date;
  finished_at?: Date;
}

/** One document a chunk of work, so that a retried activity overwrites its own count instead of adding to a shared one. */
export interface ProgressDocument {
  /** job/phase/chunk */
  _id: string;
  job_id: string;
  phase: PhaseName;
  done: number;
  failed: number;
  total: number;
  /** Embedding: see PhaseDocument. */
  reused?: number;
  outcomes?: Partial<FileOutcomes>;
  unreadable_folders?: string[];
  outside_links?: string[];
  /** When it last moved. */
  at?: Date;
  /** Indexing: the numbers that were handed out to the page's new samples. */
  blocks?: SeqBlock[];
}

/** Numbers for new samples of one batch of a page: `base`, `base + 1`, … */
export interface SeqBlock {
  batch: number;
  base: number;
  count: number;
}

/** How fast the embedding workers of a task queue may be, and the bucket of tokens that they share. */
export interface LimitDocument {
  /** The task queue. */
  _id: string;
  samples_per_second: number;
  set_at: Date;
  /** When the next batch may start, by the server's clock. */
  next_ms: number;
  /** What the last batch moved that on by: it is never further ahead than this, unless the server's clock was put back. */
  owed_ms?: number;
  /** Of the last batch that was asked for. */
  asked_ms?: number;
  granted?: boolean;
  /** When a batch last had to wait, and since when batches have had to without a pause. */
  throttled_at?: Date;
  throttled_since?: Date;
}

/** A file that a page asks to be read. */
export interface PageFile {
  path: string;
  bytes?: Binary;
  size: number;
  mtime_ns: Long;
  fingerprint: string;
  /** Whether samples of it were stored when the page was written. */
  stored: boolean;
}

/** A stretch of a source's listing, and the work that is in it. Dropped at the end of the job. */
export interface PageDocument {
  /** job/n */
  _id: string;
  job_id: string;
  n: number;
  /** The last path this page covers: the next page begins after it. */
  upto: string;
  /** True on the page that completes the listing. */
  last: boolean;
  files: PageFile[];
  /** The first samples of files in this stretch that the listing did not see, by seq. A prune: the numbers it removed. */
  gone: number[];
}
