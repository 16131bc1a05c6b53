import type {
  FileOutcomes,
  JobDocument,
  JobKind,
  JobState,
  PhaseDocument,
  PhaseName,
  PhaseState,
  RecordedError,
  RemovedCounts,
  Waiting,
  WaitReason,
} from '../store/documents.ts';

/** What a phase waits for; times in RFC 3339, UTC. */
export interface WaitingStatus {
  reason: WaitReason;
  since: string;
  task_queue: string | null;
  /** When the wait will be over; null where nobody knows. */
  until: string | null;
  images_per_second?: number;
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
  outcomes?: FileOutcomes;
  failures?: Record<string, number>;
  unreadable_folders?: string[];
  outside_links?: string[];
  model_key?: string;
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
  /** What a prune or a delete has removed so far; other jobs have none. */
  removed?: RemovedCounts;
  request: Record<string, unknown>;
  started_at: string | null;
  /** Since when it is paused; null where it is not. */
  paused_at: string | null;
  finished_at: string | null;
}

export function statusOf(load: JobDocument, now: Date): JobStatus {
  return {
    job_id: load._id,
    workflow_id: load.workflow_id,
    kind: load.kind,
    dataset: load.dataset_id,
    state: load.state,
    phases: {
      indexing: phaseStatusOf(shownOf(load, 'indexing'), now),
      embedding: phaseStatusOf(shownOf(load, 'embedding'), now),
    },
    error: load.error ?? null,
    ...(load.removed ? { removed: load.removed } : {}),
    request: load.request,
    started_at: load.started_at.toISOString(),
    paused_at: load.paused_at?.toISOString() ?? null,
    finished_at: load.finished_at?.toISOString() ?? null,
  };
}

/** A phase that is under way waits while its load is paused, whatever else it may wait for. */
export function shownOf(
  { phases, paused_at }: Pick<JobDocument, 'phases' | 'paused_at'>,
  name: PhaseName,
): PhaseDocument {
  const phase = phases[name];
  if (paused_at === undefined || !isUnderWay(phase)) return phase;
  const since = phase.waiting_for && phase.waiting_for.since < paused_at ? phase.waiting_for.since : paused_at;
  const waited_ms = (phase.waited_ms ?? 0) + (paused_at.getTime() - since.getTime());
  return { ...phase, state: 'waiting', waiting_for: { reason: 'paused', since: paused_at }, waited_ms };
}

export const isUnderWay = ({ state }: PhaseDocument) => state === 'running' || state === 'waiting';

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
    seconds_left: over ? 0 : state === 'waiting' ? null : secondsLeft(total - done - failed, rate, total_known),
    still_since: null,
    waited_seconds: (phase.waited_ms ?? 0) / 1000,
    waiting_for: waiting_for && isUnderWay(phase) ? waitingStatusOf(waiting_for) : null,
    started_at: phase.started_at?.toISOString() ?? null,
    finished_at: phase.finished_at?.toISOString() ?? null,
    // A record of before there was such a count.
    ...(phase.outcomes ? { outcomes: { ...phase.outcomes, outside_links: phase.outcomes.outside_links ?? 0 } } : {}),
    ...(phase.failures ? { failures: phase.failures } : {}),
    ...(phase.unreadable_folders?.length ? { unreadable_folders: phase.unreadable_folders } : {}),
    ...(phase.outside_links?.length ? { outside_links: phase.outside_links } : {}),
    ...(phase.model_key ? { model_key: phase.model_key } : {}),
  };
}

export function waitingStatusOf({ reason, since, task_queue, until, images_per_second }: Waiting): WaitingStatus {
  return {
    reason,
    since: since.toISOString(),
    task_queue: task_queue ?? null,
    until: until?.toISOString() ?? null,
    ...(images_per_second === undefined ? {} : { images_per_second }),
  };
}

/** Items a second of the time at work: what it waited for is not the work's. */
function rateOf(items: number, phase: PhaseDocument, now: Date): number | null {
  const { started_at, finished_at, waiting_for, state, waited_ms = 0 } = phase;
  if (started_at === undefined || items === 0) return null;
  const stopped = state === 'waiting' && waiting_for !== undefined ? waiting_for.since : undefined;
  const seconds = ((finished_at ?? stopped ?? now).getTime() - started_at.getTime() - waited_ms) / 1000;
  return seconds > 0 ? Number((items / seconds).toPrecision(4)) : null;
}

function secondsLeft(items: number, rate: number | null, totalKnown: boolean): number | null {
  if (!totalKnown || rate === null) return null;
  return Math.ceil(items / rate);
}
