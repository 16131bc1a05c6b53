import { type JobStatus, PHASES, type PhaseName, type PhaseStatus, type WaitingStatus } from '../../contract/job.ts';
import { findJob, runningOn } from '../store/jobs.ts';
import { hasMovedSince, lastMoved } from '../store/progress.ts';
import type { Store } from '../store/store.ts';

/** The phase that a job's progress depends on, unless its wait is already recorded. */
export interface OpenPhase {
  name: PhaseName;
  /** Whether its record says that it is working. Otherwise it waits for its workflow. */
  running: boolean;
  /** The time of its last progress. A pause or a resume is not progress. */
  moved_at: Date;
  /** The later of `moved_at` and the job's last resume. A paused job neither stalls nor waits for a worker. */
  due_at: Date;
  /** The task queue of its activities. Undefined if they run on the workflow's. */
  task_queue: string | undefined;
}

/** The phase that a job is working on. Undefined if there is none, or if its wait is recorded. */
export async function findOpenPhase(store: Store, status: JobStatus): Promise<OpenPhase | undefined> {
  const name = PHASES.find((phase) => status.phases[phase].state !== 'skipped' && !isOver(status.phases[phase]));
  if (status.finished_at !== null || status.paused_at !== null || name === undefined) return undefined;
  const phase = status.phases[name];
  if (phase.state === 'waiting') return undefined;
  const [record, latest] = await Promise.all([findJob(store, status.job_id), lastMoved(store, status.job_id, name)]);
  const { changed_at, task_queue } = record?.phases[name] ?? {};
  const times = [status.started_at, phase.started_at, status.phases.indexing.finished_at, changed_at, latest];
  const moved_at = latestOf(times);
  return {
    name,
    running: phase.state === 'running',
    moved_at,
    due_at: latestOf([moved_at, record?.resumed_at]),
    task_queue,
  };
}

const latestOf = (times: readonly (Date | string | null | undefined)[]) =>
  new Date(Math.max(...times.map((time) => new Date(time ?? 0).getTime())));

const isOver = ({ finished_at }: PhaseStatus) => finished_at !== null;

/** Whether the workers of a task queue have embedded anything since a given time. If so, they are running but busy. */
export async function hasEmbeddedSince(store: Store, taskQueue: string, since: Date): Promise<boolean> {
  return hasMovedSince(store, await runningOn(store, taskQueue), since);
}

/** The status of a job whose phase waits for a cause that its record does not name. */
export function withWaitingFor(status: JobStatus, name: PhaseName, waiting: WaitingStatus): JobStatus {
  const phase: PhaseStatus = { ...status.phases[name], waiting_for: waiting };
  // A limit only slows a job down. Without a worker there is no rate, and the remaining time is unknown.
  const unknown = { rate: null, seconds_left: null };
  const shown = waiting.reason === 'throttled' ? phase : { ...phase, state: 'waiting' as const, ...unknown };
  return { ...status, phases: { ...status.phases, [name]: shown } };
}

const STILL_SECONDS = 15;
/** After this, a phase that was still has no rate, however slow its batches are. */
const MAX_STILL_SECONDS = 60;
/** Covers two batches: a slow device shows no progress until its first batch has ended. */
const BATCHES = 64;

/**
 * Removes the rate and the remaining time from the status if a phase has been still for so long that they are
 * meaningless.
 */
export function withStandstill(status: JobStatus, { name, running, due_at }: OpenPhase, now: Date): JobStatus {
  const phase = status.phases[name];
  const { done, failed, total, rate } = phase;
  if (!running || done + failed >= total) return status;
  const usual = rate === null ? MAX_STILL_SECONDS : BATCHES / rate;
  const seconds = Math.min(MAX_STILL_SECONDS, Math.max(STILL_SECONDS, usual));
  if (now.getTime() - due_at.getTime() < seconds * 1000) return status;
  const still = { ...phase, rate: null, seconds_left: null, still_since: due_at.toISOString() };
  return { ...status, phases: { ...status.phases, [name]: still } };
}
