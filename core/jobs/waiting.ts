import { type JobStatus, PHASES, type PhaseName, type PhaseStatus, type WaitingStatus } from '../../contract/job.ts';
import { findJob, runningOn } from '../store/jobs.ts';
import { hasMovedSince, lastMoved } from '../store/progress.ts';
import type { Store } from '../store/store.ts';

/** The phase that has to go on for a job to go on, unless what it waits for is on record. */
export interface OpenPhase {
  name: PhaseName;
  /** Whether it is at work as far as its record says; else it waits for its workflow. */
  running: boolean;
  /** When something last came of it. To be paused or resumed is no movement. */
  moved_at: Date;
  /** The same, or when the job was resumed: a paused job neither stands still nor waits for a worker. */
  due_at: Date;
  /** Of its activities; undefined where they run with the workflow. */
  task_queue: string | undefined;
}

/** What a job is at; undefined where that is nothing, or something that it is known to wait for. */
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

/** Whether any job has had something embedded by the workers of a task queue since a time: then they are there, but busy. */
export async function hasEmbeddedSince(store: Store, taskQueue: string, since: Date): Promise<boolean> {
  return hasMovedSince(store, await runningOn(store, taskQueue), since);
}

/** The status of a job whose phase turned out to wait for something that its record does not tell. */
export function withWaitingFor(status: JobStatus, name: PhaseName, waiting: WaitingStatus): JobStatus {
  const phase: PhaseStatus = { ...status.phases[name], waiting_for: waiting };
  // A limit slows work down. Without a worker there is none, and no telling when it will be done.
  const unknown = { rate: null, seconds_left: null };
  const shown = waiting.reason === 'throttled' ? phase : { ...phase, state: 'waiting' as const, ...unknown };
  return { ...status, phases: { ...status.phases, [name]: shown } };
}

const STILL_SECONDS = 15;
/** A worker that ends no batch for longer would lose its chunk. */
const LONGEST_STILL_SECONDS = 60;
/** Two batches: on a slow device nothing is on record before one has ended. */
const BATCHES = 64;

/** The status without a rate and a time left where nothing of a phase has moved for so long that they mean nothing. */
export function withStandstill(status: JobStatus, { name, running, due_at }: OpenPhase, now: Date): JobStatus {
  const phase = status.phases[name];
  const { done, failed, total, rate } = phase;
  if (!running || done + failed >= total) return status;
  const usual = rate === null ? LONGEST_STILL_SECONDS : BATCHES / rate;
  const seconds = Math.min(LONGEST_STILL_SECONDS, Math.max(STILL_SECONDS, usual));
  if (now.getTime() - due_at.getTime() < seconds * 1000) return status;
  const still = { ...phase, rate: null, seconds_left: null, still_since: due_at.toISOString() };
  return { ...status, phases: { ...status.phases, [name]: still } };
}
