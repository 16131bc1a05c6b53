import type { PhaseName } from '../store/documents.ts';
import type { Store } from '../store/store.ts';
import type { LoadStatus, PhaseStatus, WaitingStatus } from './status.ts';

const PHASES: readonly PhaseName[] = ['indexing', 'embedding'];

/** The phase that has to go on for a job to go on, unless what it waits for is on record. */
export interface OpenPhase {
  name: PhaseName;
  /** Whether it is at work as far as its record says; else it waits for its workflow. */
  running: boolean;
  /** When something last came of it. */
  moved_at: Date;
  /** Of its activities; undefined where they run with the workflow. */
  task_queue: string | undefined;
}

/** What a job is at; undefined where that is nothing, or something that it is known to wait for. */
export async function findOpenPhase(store: Store, status: LoadStatus): Promise<OpenPhase | undefined> {
  const name = PHASES.find((phase) => status.phases[phase].state !== 'skipped' && !isOver(status.phases[phase]));
  if (status.finished_at !== null || status.paused_at !== null || name === undefined) return undefined;
  const phase = status.phases[name];
  if (phase.state === 'waiting') return undefined;
  const [record, latest] = await Promise.all([
    store.loads.findOne({ _id: status.job_id }, { projection: { [`phases.${name}`]: 1 } }),
    store.progress.findOne(
      { load_id: status.job_id, phase: name, at: { $exists: true } },
      { sort: { at: -1 }, projection: { at: 1 } },
    ),
  ]);
  const { changed_at, task_queue } = record?.phases[name] ?? {};
  const times = [status.started_at, phase.started_at, status.phases.indexing.finished_at, changed_at, latest?.at];
  return {
    name,
    running: phase.state === 'running',
    moved_at: new Date(Math.max(...times.map((time) => new Date(time ?? 0).getTime()))),
    task_queue,
  };
}

const isOver = ({ finished_at }: PhaseStatus) => finished_at !== null;

/** Whether any job has had something embedded by the workers of a task queue since a time: then they are there, but busy. */
export async function hasEmbeddedSince(store: Store, taskQueue: string, since: Date): Promise<boolean> {
  const loads = await store.loads
    .find({ state: 'running', 'phases.embedding.task_queue': taskQueue }, { projection: { _id: 1 } })
    .toArray();
  const ids = loads.map(({ _id }) => _id);
  const moved = await store.progress.findOne({ load_id: { $in: ids }, phase: 'embedding', at: { $gte: since } });
  return moved !== null;
}

/** The status of a job whose phase turned out to wait for something that its record does not tell. */
export function withWaitingFor(status: LoadStatus, name: PhaseName, waiting: WaitingStatus): LoadStatus {
  const phase: PhaseStatus = { ...status.phases[name], waiting_for: waiting };
  // A limit slows work down. Without a worker there is none, and no telling when it will be done.
  const shown = waiting.reason === 'throttled' ? phase : { ...phase, state: 'waiting' as const, seconds_left: null };
  return { ...status, phases: { ...status.phases, [name]: shown } };
}
