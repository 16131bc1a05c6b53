import type { JobStatus, PhaseName, PhaseStatus, RetryingStatus, WaitingStatus } from '../../contract/job.ts';
import type { JobDocument, PhaseDocument, Waiting } from '../store/documents.ts';

/** The status of a job as the API shows it. Rates count up to `now`. */
export function statusOf(job: JobDocument, now: Date): JobStatus {
  return {
    job_id: job._id,
    workflow_id: job.workflow_id,
    kind: job.kind,
    dataset: job.dataset_id,
    state: job.state,
    phases: {
      indexing: phaseStatusOf(shownOf(job, 'indexing'), now),
      embedding: phaseStatusOf(shownOf(job, 'embedding'), now),
    },
    error: job.error ?? null,
    retrying: retryingStatusOf(job),
    ...(job.removed ? { removed: job.removed } : {}),
    ...(job.moved ? { moved: job.moved } : {}),
    ...(job.compared ? { compared: job.compared } : {}),
    ...(job.exported ? { exported: job.exported } : {}),
    ...(job.annotations ? { annotations: job.annotations } : {}),
    ...(job.artifact ? { artifact: job.artifact } : {}),
    ...(job.imported ? { imported: job.imported } : {}),
    request: job.request,
    started_at: job.started_at.toISOString(),
    paused_at: job.paused_at?.toISOString() ?? null,
    finished_at: job.finished_at?.toISOString() ?? null,
  };
}

/**
 * The activity that has failed for longest among those that are retried. A pause or an end of the job ends its retries,
 * so a report that comes later is not shown.
 */
function retryingStatusOf({ retrying = {}, paused_at, finished_at }: JobDocument): RetryingStatus | null {
  if (paused_at !== undefined || finished_at !== undefined) return null;
  const [first] = Object.values(retrying).sort((a, b) => a.since.getTime() - b.since.getTime());
  if (first === undefined) return null;
  const { activity, attempt, since, error } = first;
  return { activity, attempt, since: since.toISOString(), error };
}

/** The phase as shown. A running phase is shown as waiting while its job is paused, whatever else it may wait for. */
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

/** Whether a phase has begun to run or wait, and has not ended. */
export const isUnderWay = ({ state }: PhaseDocument) => state === 'running' || state === 'waiting';

/** The status of a phase. Rates are in items per second of working time up to `now`. */
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
    ...(phase.reused === undefined ? {} : { reused: Math.min(phase.reused, done) }),
    ...(phase.outcomes ? { outcomes: phase.outcomes } : {}),
    ...(phase.failures ? { failures: phase.failures } : {}),
    ...(phase.unreadable_folders?.length ? { unreadable_folders: phase.unreadable_folders } : {}),
    ...(phase.outside_links?.length ? { outside_links: phase.outside_links } : {}),
    ...(phase.model_key ? { model_key: phase.model_key } : {}),
    ...(phase.device ? { device: phase.device } : {}),
    ...(phase.index ? { index: phase.index } : {}),
  };
}

/** A stored wait in the API's form, with RFC 3339 times. */
export function waitingStatusOf({ reason, since, task_queue, until, samples_per_second }: Waiting): WaitingStatus {
  return {
    reason,
    since: since.toISOString(),
    task_queue: task_queue ?? null,
    until: until?.toISOString() ?? null,
    ...(samples_per_second === undefined ? {} : { samples_per_second }),
  };
}

/** Items per second of working time. Waits do not count. */
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
