import type {
  FileOutcomes,
  LoadDocument,
  LoadKind,
  LoadState,
  PhaseDocument,
  PhaseName,
  PhaseState,
  RecordedError,
  RemovedCounts,
  WaitReason,
} from '../store/documents.ts';

/** How a phase stands. The same shape comes from the `status` query, the store, the client and every `--json`. */
export interface PhaseStatus {
  state: PhaseState;
  /** Items that went well, went wrong, and are to be done. done + failed never exceeds total. */
  done: number;
  failed: number;
  total: number;
  /** False while the source is still being listed and `total` may grow. */
  total_known: boolean;
  /** Items a second since the phase began; null before it can be told. */
  rate: number | null;
  /** At that rate; null when it can't be told, 0 when the phase is over. */
  seconds_left: number | null;
  waiting_for: { reason: WaitReason; task_queue: string; since: string } | null;
  /** RFC 3339, UTC. */
  started_at: string | null;
  finished_at: string | null;
  outcomes?: FileOutcomes;
  failures?: Record<string, number>;
  unreadable_folders?: string[];
  model_key?: string;
}

/** How a load stands. */
export interface LoadStatus {
  job_id: string;
  workflow_id: string;
  kind: LoadKind;
  dataset: string;
  state: LoadState;
  phases: Record<PhaseName, PhaseStatus>;
  error: RecordedError | null;
  /** What a prune or a delete has removed so far; other jobs have none. */
  removed?: RemovedCounts;
  request: Record<string, unknown>;
  started_at: string | null;
  finished_at: string | null;
}

export function statusOf(load: LoadDocument, now: Date): LoadStatus {
  return {
    job_id: load._id,
    workflow_id: load.workflow_id,
    kind: load.kind,
    dataset: load.dataset_id,
    state: load.state,
    phases: {
      indexing: phaseStatusOf(load.phases.indexing, now),
      embedding: phaseStatusOf(load.phases.embedding, now),
    },
    error: load.error ?? null,
    ...(load.removed ? { removed: load.removed } : {}),
    request: load.request,
    started_at: load.started_at.toISOString(),
    finished_at: load.finished_at?.toISOString() ?? null,
  };
}

export function phaseStatusOf(phase: PhaseDocument, now: Date): PhaseStatus {
  const { state, total, total_known, waiting_for } = phase;
  const done = Math.min(phase.done, total);
  const failed = Math.min(phase.failed, total - done);
  const over = phase.finished_at !== undefined;
  const rate = rateOf(done + failed, phase, now);
  return {
    state,
    done,
    failed,
    total,
    total_known,
    rate,
    seconds_left: over ? 0 : secondsLeft(total - done - failed, rate, total_known),
    waiting_for: state === 'waiting' && waiting_for ? { ...waiting_for, since: waiting_for.since.toISOString() } : null,
    started_at: phase.started_at?.toISOString() ?? null,
    finished_at: phase.finished_at?.toISOString() ?? null,
    ...(phase.outcomes ? { outcomes: phase.outcomes } : {}),
    ...(phase.failures ? { failures: phase.failures } : {}),
    ...(phase.unreadable_folders?.length ? { unreadable_folders: phase.unreadable_folders } : {}),
    ...(phase.model_key ? { model_key: phase.model_key } : {}),
  };
}

function rateOf(items: number, { started_at, finished_at }: PhaseDocument, now: Date): number | null {
  if (started_at === undefined || items === 0) return null;
  const seconds = ((finished_at ?? now).getTime() - started_at.getTime()) / 1000;
  return seconds > 0 ? Number((items / seconds).toPrecision(4)) : null;
}

function secondsLeft(items: number, rate: number | null, totalKnown: boolean): number | null {
  if (!totalKnown || rate === null) return null;
  return Math.ceil(items / rate);
}
