/** Jobs and their states: the shapes that the store, the `status` query, the client and every `--json` share. */
import type { AnnotationsStatus } from './annotations.ts';
import type { ExportedCounts } from './exports.ts';
import type { ImportedStatus } from './imported.ts';

export const JOB_KINDS = [
  'load',
  'retry',
  'embed',
  'prune',
  'relocate',
  'forget',
  'delete',
  'drop',
  'index',
  'duplicates',
  'annotate',
  'export',
  'import',
] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** A job in one of these states goes on, sooner or later; a paused one when it is resumed. */
export const UNFINISHED_STATES = ['queued', 'running', 'paused'] as const;
/** The states in which a job ends. It never leaves them. */
export const FINAL_STATES = ['completed', 'failed', 'canceled'] as const;
export const JOB_STATES = [...UNFINISHED_STATES, ...FINAL_STATES] as const;
export type JobState = (typeof JOB_STATES)[number];

/** Whether a job has ended. Its final state and `finished_at` are written together, so either tells. */
export const isOver = ({ finished_at }: Pick<JobStatus, 'finished_at'>): boolean => finished_at !== null;

export type PhaseName = 'indexing' | 'embedding';
export type PhaseState = 'pending' | 'running' | 'waiting' | 'completed' | 'failed' | 'canceled' | 'skipped';

/**
 * A worker of the task queue, another job that embeds this dataset with this model, a window that is not open, a time
 * that has
 * not come, a load that is paused, or a task queue's limit of samples per second.
 */
export const WAIT_REASONS = ['worker', 'other_job', 'window', 'time', 'paused', 'throttled'] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

/** Why something went wrong, for programs (`code`) and for people (`message`). */
export interface RecordedError {
  code: string;
  message: string;
}

/** An activity that Temporal retries: its last attempt failed, and the next one waits or runs. */
export interface RetryingStatus {
  /** Name of the activity, as Temporal shows it. */
  activity: string;
  /** Number of the attempt that runs or comes next. */
  attempt: number;
  /** When its first attempt failed, as far as that is known. RFC 3339, UTC. */
  since: string;
  /** Why its last attempt failed. */
  error: RecordedError;
}

/** Outcomes of the files of a source in one load. */
export interface FileOutcomes {
  added: number;
  changed: number;
  unchanged: number;
  missing: number;
  failed: number;
  /** Files that no medium reads. */
  ignored: number;
  /** Files and folders that the load's rules left out. A folder counts once. */
  excluded: number;
  unreadable_folders: number;
  /** Links that lead out of the source roots, which are not followed. */
  outside_links: number;
}

/** The counts of what a prune, a forget, a delete or a drop has removed. */
export interface RemovedCounts {
  samples: number;
  vectors: number;
  /**
   * A prune's: samples marked missing that stay, because their files are there again or their sources are not. Left out
   * where
   * there are none.
   */
  kept?: number;
  /** A prune's: sources that are not there, so that what lies in them stays. Left out where there are none. */
  unreadable_folders?: string[];
}

/** The counts of what a relocate has moved. */
export interface MovedCounts {
  /** Samples whose paths lead to the new folder. */
  samples: number;
}

/** How far a search for duplicates is. */
export interface ComparedCounts {
  /** Samples that were compared with the others. */
  samples: number;
  /** Samples to compare; 0 until that is known. */
  total: number;
  /** Groups of duplicates; left out until they can be read. */
  groups?: number;
}

/** The reason for which a phase waits; times in RFC 3339, UTC. */
export interface WaitingStatus {
  reason: WaitReason;
  since: string;
  task_queue: string | null;
  /** When the wait will be over; null where nobody knows. */
  until: string | null;
  samples_per_second?: number;
}

/** How a phase stands. The same shape comes from the `status` query, the store, the client and every `--json`. */
export interface PhaseStatus {
  state: PhaseState;
  /** Items that went well, went wrong, and are to be done. done + failed never exceeds total. */
  done: number;
  failed: number;
  total: number;
  /** False while the source is still being listed and `total` may grow. */
  total_known: boolean;
  /** Items a second at work since the phase began; null before it can be told, and where nothing moves any more. */
  rate: number | null;
  /** At that rate; null when it can't be told or while it waits, 0 when the phase is over. */
  seconds_left: number | null;
  /** Since when nothing has moved, of a phase that runs, RFC 3339 in UTC; null while things move. */
  still_since: string | null;
  /** How long it has waited since it began, waits that are over: time that its rate does not count. */
  waited_seconds: number;
  /** Set in state `waiting`, and in state `running` where a limit holds it back. */
  waiting_for: WaitingStatus | null;
  /** RFC 3339, UTC. */
  started_at: string | null;
  finished_at: string | null;
  /** Embedding: samples among `done` that got the vector of equal content, without inference. */
  reused?: number;
  outcomes?: FileOutcomes;
  failures?: Record<string, number>;
  unreadable_folders?: string[];
  outside_links?: string[];
  model_key?: string;
  /** Embedding: the devices of the worker that loaded the model first: `cpu`, `cuda:0,cuda:1`. */
  device?: string;
  /** The index of vectors that the phase builds last, where it builds one. */
  index?: IndexStatus;
}

/** The kinds of index of vectors. `exact` has no graph: a search compares the query with every vector. */
export const INDEX_KINDS = ['exact', 'i8', 'f32', 'bf16', 'b1'] as const;
export type IndexKind = (typeof INDEX_KINDS)[number];

/** How far the building of an index is, in vectors. */
export interface IndexStatus {
  kind: IndexKind;
  done: number;
  total: number;
}

/** The video of QR codes that a load writes after its first phase. */
export interface ArtifactStatus {
  /** The file, on the machine of the indexing worker. */
  path: string;
  state: 'running' | 'completed' | 'failed';
  /** Why it failed. The job goes on with its second phase, and fails at its end. */
  error?: RecordedError;
  /** Chunks that are in it, and how many there are. */
  chunks: number;
  total: number;
  /** Bytes so far. */
  bytes: number;
  /** The file of its index, once that is written. */
  index_path?: string;
}

/** How a load stands. */
export interface JobStatus {
  job_id: string;
  workflow_id: string;
  kind: JobKind;
  dataset: string;
  state: JobState;
  phases: Record<PhaseName, PhaseStatus>;
  error: RecordedError | null;
  /** The activity that is retried; of several, the one that has failed for longest. Null if none is. */
  retrying: RetryingStatus | null;
  /** The removals of a prune, a forget, a delete or a drop so far; other jobs have none. */
  removed?: RemovedCounts;
  /** The moves of a relocate so far; other jobs have none. */
  moved?: MovedCounts;
  /** How far a search for duplicates is; other jobs have none. */
  compared?: ComparedCounts;
  /** How far an export is, once it has begun to read; other jobs have none. */
  exported?: ExportedCounts;
  /** The annotations of a load or an annotation, once their reading has begun. */
  annotations?: AnnotationsStatus;
  /** The artifact of a load that writes one, once its writing has begun. */
  artifact?: ArtifactStatus;
  /** How far an import of vectors is; other jobs have none. */
  imported?: ImportedStatus;
  request: Record<string, unknown>;
  started_at: string | null;
  /** Since when it is paused; null where it is not. */
  paused_at: string | null;
  finished_at: string | null;
}

/** Whether jobs of this kind have an indexing phase. */
export const indexes = (kind: JobKind): boolean => kind === 'load' || kind === 'retry';

/** Whether jobs of this kind have phases. The others only count what they have removed, moved, compared or exported. */
export const hasPhases = (kind: JobKind): boolean => indexes(kind) || kind === 'embed' || kind === 'index';

/** Whether jobs of this kind can be paused. */
export const isPausable = (kind: JobKind): boolean =>
  hasPhases(kind) || kind === 'duplicates' || kind === 'annotate' || kind === 'export' || kind === 'import';

export const PHASES: readonly PhaseName[] = ['indexing', 'embedding'];
