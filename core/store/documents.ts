import type { Binary, Long, ObjectId, Timestamp } from 'mongodb';
import type { Annotation, AnnotationClass } from '../../contract/annotation.ts';
import type { AnnotationsStatus } from '../../contract/annotations.ts';
import type { ExportedCounts } from '../../contract/exports.ts';
import type { ImportedStatus } from '../../contract/imported.ts';
import type {
  ArtifactStatus,
  ComparedCounts,
  FileOutcomes,
  IndexKind,
  IndexStatus,
  JobKind,
  JobState,
  MovedCounts,
  PhaseName,
  PhaseState,
  RecordedError,
  RemovedCounts,
  WaitReason,
} from '../../contract/job.ts';

/** The name of a medium, the kind of a dataset's samples: `image`, `text`. */
export type MediaType = string;

/** The cause of a phase's wait. */
export interface Waiting {
  reason: WaitReason;
  since: Date;
  task_queue?: string;
  /** The expected end of the wait, if known. */
  until?: Date;
  samples_per_second?: number;
}

/** A job's phase as stored. Until the phase has ended, its live counts are the sums over `progress`. */
export interface PhaseDocument {
  state: PhaseState;
  done: number;
  failed: number;
  total: number;
  /** False while the source is still being listed and `total` may grow. */
  total_known: boolean;
  /** Why a phase in state `waiting` waits, and since when. */
  waiting_for?: Waiting;
  /** The total of the phase's finished waits in milliseconds. The phase's rate excludes this time. */
  waited_ms?: number;
  /** The time when the phase last began, waited or resumed. */
  changed_at?: Date;
  /** The task queue of the phase's activities, if it differs from the workflow's. */
  task_queue?: string;
  started_at?: Date;
  finished_at?: Date;
  /** Embedding: samples among `done` that reused the vector of equal content. */
  reused?: number;
  outcomes?: FileOutcomes;
  /** Failures by error code. */
  failures?: Record<string, number>;
  /** Folders that could not be read. At most 100 are named. */
  unreadable_folders?: string[];
  /** At most 100 are named. */
  outside_links?: string[];
  model_key?: string;
  /** Embedding: the devices of the worker that loaded the model first. */
  device?: string;
  /** Embedding: when its work was planned. Samples that came later may lack a vector. */
  planned_at?: Date;
  /** Embedding: how far the building of its index is. */
  index?: IndexStatus;
}

/** A session of the page: a caller who has shown a token. It holds no secret. */
export interface SessionDocument {
  /** SHA-256 of the session's ID, in hexadecimal. */
  _id: string;
  /** SHA-256 of its token, in hexadecimal. The server looks up what the token may do at each request. */
  token: string;
  expires_at: Date;
}

/** A dataset. Its counts are cached; the samples decide. */
export interface DatasetDocument {
  /** The dataset's name. */
  _id: string;
  media_type: MediaType;
  /** How its files are expanded, if its medium has a choice. */
  expansion?: Readonly<Record<string, unknown>>;
  sources: string[];
  /** The seq of the next new sample. */
  next_seq: number;
  counts: { total: number; indexed: number; failed: number; missing: number };
  phases: Partial<Record<PhaseName, { state: PhaseState; job_id: string; at: Date }>>;
  models: {
    key: string;
    name: string;
    /** Its name in the request of the job that completed it last: a name, a key, or the path of a folder. */
    asked?: string;
    revision: string;
    dim: number;
    vectors: number;
    last_modified_at: Date;
    /** When the model last embedded the dataset to the end. Absent if it never has. */
    completed_at?: Date;
    /** When the work of that embedding was planned. It covers the samples indexed before. */
    planned_at?: Date;
    /** The published index of its vectors. */
    index?: PublishedIndexDocument;
    /** The job that removes its vectors, or that ended before it had removed them all. */
    dropping?: { job_id: string };
  }[];
  /** The key of the model whose vectors a search uses if it names none. Absent until a model has embedded the dataset. */
  serving?: string;
  /** The fields of its annotations. Absent before there are any. */
  annotation_fields?: DatasetField[];
  /** The search for duplicates whose groups are served. Absent before the first one has ended. */
  duplicates?: DuplicatesRun;
  latest_job: string;
  /** Set once a job has begun to delete the dataset. Nothing is written to the dataset after that. */
  deleting?: { job_id: string; at: Date };
  created_at: Date;
  last_modified_at: Date;
}

/** A search for duplicates that has ended. */
export interface DuplicatesRun {
  job_id: string;
  model_key: string;
  threshold: number;
  /** Whether each vector was compared with each. False if a graph of neighbours proposed the pairs. */
  exact: boolean;
  groups: number;
  /** Samples in the groups. */
  samples: number;
  finished_at: Date;
}

/** A group of duplicates. */
export interface DuplicatesDocument {
  /** job/group */
  _id: string;
  dataset_id: string;
  job_id: string;
  /** The group's number, from 1. A larger group has a lower number. */
  group: number;
  /** `exact` if all members have the same content. */
  kind: 'exact' | 'near';
  /** How many members were found. */
  size: number;
  /** The member to keep, then the others from the nearest to it. At most 10,000. */
  members: DuplicateMember[];
}

export interface DuplicateMember {
  seq: number;
  /** The sample's version that was compared: see `versionOf` in core/store/sample-version.ts. */
  version: string;
  /** The cosine of its vector and that of the first member. */
  score: number;
  /** Whether it has the same content as the first member. */
  same_content: boolean;
}

/** An index of vectors, whose files are in GridFS. What was written after `covers` is not in it. */
export interface PublishedIndexDocument {
  /** Changes with each build. */
  id: string;
  /** `exact` has no graph of neighbours. */
  kind: IndexKind;
  vectors: number;
  /** Bytes of all its files. */
  bytes: number;
  /** Seconds of the server's cluster time. It holds every vector that was written before. */
  covers: number;
  built_at: Date;
  files: IndexFileDocument[];
}

/** A file of an index. */
export interface IndexFileDocument {
  name: 'seqs' | 'rows' | 'graph';
  id: ObjectId;
  bytes: number;
  sha256: string;
}

/** The metadata that a medium gives a sample. `core/media/<medium>` describes the fields. */
export type SampleMetadata = Readonly<Record<string, unknown>>;

/** One item of a file: an image file has one item, other media may have many. Unique by dataset, path and part. */
export interface SampleDocument {
  _id: ObjectId;
  dataset_id: string;
  /** The sample's number: dense, never reused. */
  seq: number;
  filepath: string;
  /** The path's raw bytes if they are not valid UTF-8. `filepath` shows them escaped. */
  filepath_bytes?: Binary;
  /** The item's position in its file, from 0. Every file has a part 0, even one that can't be read. */
  part: number;
  /**
   * The state of the file when it was last read. `reread_by` is the job that read it although it looked unchanged: its
   * vectors are then checked against its content.
   */
  source: { size_bytes: number; mtime_ns: Long; fingerprint: string; reread_by?: string };
  /** Hash of the encoded content, if indexing knows it. Otherwise a changed file fingerprint causes a new check. */
  content?: string;
  metadata?: SampleMetadata;
  /** The words of its text for searches, as `packWords` gives them, and the server's cluster time of their write. */
  words?: Binary;
  words_written?: Timestamp;
  tags: string[];
  split?: string;
  /** By field. Reads leave them out unless they are asked for. */
  annotations?: Record<string, FieldDocument>;
  /** The classes of its annotations, for filters and counts. */
  classes?: ClassCount[];
  status: 'indexed' | 'failed' | 'missing';
  error?: RecordedError & { stage: PhaseName; at: Date };
  job_id: string;
  created_at: Date;
  last_modified_at: Date;
}

/** A field of annotations of one sample. */
export interface FieldDocument {
  /** The paths that gave it, as a hash. */
  from: string;
  /** The annotations of each set, by its key. */
  sets: Record<string, AnnotationSet>;
}

/** The annotations of a sample that one path gives. */
export interface AnnotationSet {
  /** A hash of the objects. */
  fingerprint: string;
  /** The job that wrote it. */
  job_id: string;
  objects: Annotation[];
}

/** How many objects of a class a sample has in one set of a field. */
export interface ClassCount {
  label: string;
  field: string;
  set: string;
  objects: number;
}

/** A field of annotations of a dataset. */
export interface DatasetField {
  name: string;
  /** The groups of paths that it was read from, as hashes. */
  from: string[];
  /** Its classes, in the order in which their formats declare them. */
  classes: AnnotationClass[];
}

/** Annotations that were read and wait to be applied. */
export interface StagedDocument {
  /** job/flush/n */
  _id: string;
  job_id: string;
  /** The position of the path that they are from. */
  set: number;
  /** The name of the write that they are part of, and their position in it. */
  flush: string;
  n: number;
  /** Pieces of one image have the same bucket. */
  bucket: number;
  /** JSON: an array of pieces. */
  pieces: Binary;
}

/** How far the annotations of a job are read. */
export interface ReadingDocument {
  /** The job. */
  _id: string;
  /** How many times this was written. */
  steps: number;
  /** The fingerprints of the paths; empty for a folder. */
  fingerprints: string[];
  /** Bytes of all pieces that count. */
  staged_bytes: number;
  /** The path that is read next, and where in it, as JSON. */
  set: number;
  cursor?: string;
  /** The names of the writes that count, in order. */
  flushes: string[];
  bytes: number;
  objects: number;
  invalid: Record<string, number>;
  invalid_named: AnnotationsStatus['invalid_named'];
  /** The classes that were declared so far, as JSON: a name of theirs may hold what no key may. */
  classes: string;
  done: boolean;
}

/** A vector of a sample for one model. */
export interface EmbeddingDocument {
  _id: ObjectId;
  dataset_id: string;
  seq: number;
  sample_id: ObjectId;
  model_key: string;
  dim: number;
  /** BSON Binary subtype 9 (vector), float32. */
  vector: Binary;
  /** Hash of the encoded content: SHA-256 in hexadecimal. Equal content has equal vectors. */
  content: string;
  /** The version of the sample that the vector belongs to: see `versionOf` in core/store/sample-version.ts. */
  version: string;
  /** The import that has brought it, and the row of its file. Absent if a model of ours has made it. */
  imported?: { job_id: string; row: number };
  /** The server's cluster time at which it was written. A search reads what is newer than its last read. */
  written: Timestamp;
}

/** An activity that Temporal retries: see RetryingStatus. */
export interface RetryingDocument {
  activity: string;
  attempt: number;
  since: Date;
  error: RecordedError;
}

/** Where an import goes on. */
export interface ImportPosition {
  /** A place between two rows: `rows` before it. */
  cursor: { rows: number; offset?: number; line?: number };
  /** The length of its vectors, once that is settled. */
  dim?: number;
  /** The state of its files when their reading began. */
  fingerprint: string;
}

/** The record of a job. */
export interface JobDocument {
  /** The job ID: the workflow's first execution run ID. */
  _id: string;
  kind: JobKind;
  dataset_id: string;
  workflow_id: string;
  /** The run that lists and begins; absent until a worker has begun the job. A reset or a continued job has a new one. */
  run_id?: string;
  /** The run that has planned the embedding or the comparison. */
  planned_by?: string;
  request: Record<string, unknown>;
  state: JobState;
  phases: Record<PhaseName, PhaseDocument>;
  /** The device of the source's folder when the job began. A relocate's is that of the new folder. */
  source_device?: string;
  /** Retry only: whether it embeds the failed samples, or every sample that lacks a vector of its model. */
  retry_scope?: 'failed' | 'lacking';
  /** Prune, forget, delete and drop only: how much they have removed so far. */
  removed?: RemovedCounts;
  /** Relocate only: how much it has moved so far. */
  moved?: MovedCounts;
  /** Search for duplicates only: how far it is. */
  compared?: ComparedCounts;
  /** Export only: how far it is. */
  exported?: ExportedCounts;
  /** Loads with annotations, and annotations: how far they are. */
  annotations?: AnnotationsStatus;
  /** Loads that write an artifact only: how far that is. */
  artifact?: ArtifactStatus;
  /** Imports of vectors only: how far they are, and where the next attempt goes on. */
  imported?: ImportedStatus;
  import_position?: ImportPosition;
  error?: RecordedError;
  /** The activities that are retried, by a key of each. */
  retrying?: Record<string, RetryingDocument>;
  started_at: Date;
  /** The start of the current pause. Absent if the job is not paused. */
  paused_at?: Date;
  /** The time of the last resume. */
  resumed_at?: Date;
  finished_at?: Date;
}

/**
 * The progress of one chunk of work. One document per chunk lets a retried activity overwrite its own count instead of
 * adding to a shared one.
 */
export interface ProgressDocument {
  /** job/phase/chunk */
  _id: string;
  job_id: string;
  phase: PhaseName | 'comparing';
  done: number;
  failed: number;
  total: number;
  /** Embedding only: see PhaseDocument. */
  reused?: number;
  outcomes?: Partial<FileOutcomes>;
  unreadable_folders?: string[];
  outside_links?: string[];
  /** Identifies this count. A reset job counts anew, and an attempt from before it must not raise the new count. */
  opened: ObjectId;
  /** The time of the last progress. */
  at?: Date;
  /** Comparing only: seqs of the pairs that were found, one pair after the other: float64, little-endian. */
  pairs?: Binary;
  /** Indexing only: the numbers that the page's new samples took. */
  blocks?: SeqBlock[];
}

/** A range of numbers for new samples of one batch of a page: `base`, `base + 1`, … */
export interface SeqBlock {
  batch: number;
  base: number;
  count: number;
}

/** A request that starts something, known by the key that its caller gave it, so that a repetition starts nothing. */
export interface StartKeyDocument {
  /** The caller's key. */
  _id: string;
  /** Hash of the request. */
  fingerprint: string;
  /** Marks what the request starts, in the memo of its workflow or schedule. */
  claim_id: string;
  claimed_at: Date;
  /** Until then, one process carries the request out. */
  held_until: Date;
  /** The answer, once the request was carried out. */
  answer?: { status: number; body: string; location: string | null };
  /** MongoDB removes the document after this time. */
  expires_at: Date;
}

/** The rate limit of a task queue's embedding workers, and the token bucket that they share. */
export interface LimitDocument {
  /** The task queue. */
  _id: string;
  samples_per_second: number;
  set_at: Date;
  /** The server time in milliseconds at which the next batch may start. */
  next_ms: number;
  /**
   * The time that the last batch added to `next_ms`, in milliseconds. `next_ms` is never further ahead than this unless
   * the server's clock was set back.
   */
  owed_ms?: number;
  /** The server time in milliseconds at which a batch last asked. */
  asked_ms?: number;
  granted?: boolean;
  /** When a batch last had to wait, and since when batches have waited without a break. */
  throttled_at?: Date;
  throttled_since?: Date;
}

/** A file that a page lists for reading. */
export interface PageFile {
  path: string;
  bytes?: Binary;
  size: number;
  mtime_ns: Long;
  fingerprint: string;
  /** Whether the file had stored samples when the page was written. */
  stored: boolean;
}

/** One path range of a source's listing, and its work. Removed at the end of the job. */
export interface PageDocument {
  /** job/n */
  _id: string;
  job_id: string;
  n: number;
  /** The last path that this page covers. The next page begins after it. */
  upto: string;
  /** True on the page that completes the listing. */
  last: boolean;
  files: PageFile[];
  /**
   * Seqs of the first samples of files that the listing did not find in this range. For a prune or a forget, the seqs
   * that it removed.
   */
  gone: number[];
}
