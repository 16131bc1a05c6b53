import type { JobState, PhaseName, PhaseState, RecordedError } from '../../contract/job.ts';
import { refreshModel } from '../embedding/record-model.ts';
import { refreshCounts } from '../indexing/counts.ts';
import type { JobDocument, PhaseDocument, Waiting } from '../store/documents.ts';
import { sumProgress } from '../store/progress.ts';
import type { Store } from '../store/store.ts';
import { ended, held, released, resumed } from './holds.ts';
import { phaseEnd } from './phase-end.ts';
import { canceledInWords } from './words.ts';

const PHASES: readonly PhaseName[] = ['indexing', 'embedding'];

/** Marks that a phase has all it needs and is at work, for the first time or again. */
export async function startPhase(
  store: Store,
  jobId: string,
  phase: PhaseName,
  fields: Partial<Pick<PhaseDocument, 'model_key' | 'total' | 'total_known'>> = {},
): Promise<void> {
  const now = new Date();
  const load = await store.jobs.findOne({ _id: jobId });
  if (load === null || !['pending', 'waiting'].includes(load.phases[phase].state)) return;
  await writePhase(store, load, phase, { ...fields, ...released(load.phases[phase], now) });
  await store.datasets.updateOne(
    { _id: load.dataset_id },
    { $set: { [`phases.${phase}`]: { state: 'running', job_id: jobId, at: now }, last_modified_at: now } },
  );
}

/** Notes what a phase waits for, whether or not it has begun. */
export async function notePhaseWaits(
  store: Store,
  jobId: string,
  phase: PhaseName,
  waiting: Omit<Waiting, 'since'>,
): Promise<void> {
  const load = await store.jobs.findOne({ _id: jobId });
  if (load === null || !['pending', 'waiting', 'running'].includes(load.phases[phase].state)) return;
  const { task_queue } = waiting;
  await writePhase(store, load, phase, {
    ...held(load.phases[phase], { ...waiting, since: new Date() }),
    ...(task_queue === undefined ? {} : { task_queue }),
  });
}

/**
 * Writes a change of a phase that is not over; what it waited for goes where the change does not name it. Only the load's own
 * workflow changes its phases, one activity at a time, so what was read is what is changed.
 */
async function writePhase(
  store: Store,
  { _id, phases }: JobDocument,
  phase: PhaseName,
  change: Partial<PhaseDocument>,
): Promise<void> {
  const set = Object.fromEntries(Object.entries(change).map(([name, value]) => [`phases.${phase}.${name}`, value]));
  await store.jobs.updateOne(
    { _id, [`phases.${phase}.state`]: phases[phase].state, [`phases.${phase}.finished_at`]: { $exists: false } },
    {
      $set: { ...set, [`phases.${phase}.changed_at`]: new Date() },
      ...(change.waiting_for === undefined ? { $unset: { [`phases.${phase}.waiting_for`]: true } } : {}),
    },
  );
}

/**
 * Notes that a load was paused at a time. Doing it again changes nothing, and neither does an attempt that comes so late that
 * the load has been resumed since.
 */
export async function notePaused(store: Store, jobId: string, at: Date): Promise<void> {
  await store.jobs.updateOne(
    { _id: jobId, state: 'running', resumed_at: { $not: { $gte: at } } },
    { $set: { state: 'paused', paused_at: at } },
  );
}

/** Notes that a load goes on. Doing it again changes nothing, also where it has been paused again since. */
export async function noteResumed(store: Store, jobId: string, at: Date): Promise<void> {
  const paused = { _id: jobId, state: 'paused' as const, paused_at: { $lt: at } };
  const load = await store.jobs.findOne(paused);
  if (load === null) return;
  const changes = PHASES.flatMap((name) =>
    Object.entries(resumed(load, load.phases[name], at)).map(([field, value]) => [`phases.${name}.${field}`, value]),
  );
  await store.jobs.updateOne(paused, {
    $set: { ...Object.fromEntries(changes), state: 'running', resumed_at: at },
    $unset: { paused_at: true },
  });
}

/**
 * Ends a phase: its counts become part of the load's record, and the dataset says how it stands, unless a newer load has
 * begun the same phase of it.
 */
export async function endPhase(store: Store, jobId: string, phase: PhaseName, state: PhaseState): Promise<void> {
  const load = await store.jobs.findOne({ _id: jobId }, { projection: { dataset_id: 1, phases: 1, paused_at: 1 } });
  if (load === null) return;
  const sum = (await sumProgress(store, jobId)).get(phase);
  const now = new Date();
  const { waited_ms } = ended(load, phase, now);
  // A load that completes has counted already; what another one leaves can be browsed, too.
  if (state !== 'completed') await refreshDataset(store, load, phase);
  await store.datasets.updateOne(
    { _id: load.dataset_id, [`phases.${phase}.job_id`]: jobId, [`phases.${phase}.state`]: 'running' },
    { $set: { [`phases.${phase}`]: { state, job_id: jobId, at: now }, last_modified_at: now } },
  );
  await store.jobs.updateOne(
    { _id: jobId, [`phases.${phase}.finished_at`]: { $exists: false } },
    {
      $set: {
        [`phases.${phase}.state`]: state,
        [`phases.${phase}.finished_at`]: now,
        ...(waited_ms === undefined ? {} : { [`phases.${phase}.waited_ms`]: waited_ms }),
        ...(state === 'completed' ? { [`phases.${phase}.total_known`]: true } : {}),
        ...(sum ? { [`phases.${phase}.done`]: sum.done, [`phases.${phase}.failed`]: sum.failed } : {}),
        ...(sum && phase === 'indexing'
          ? { 'phases.indexing.total': sum.total, 'phases.indexing.outcomes': sum.outcomes }
          : {}),
      },
      $unset: { [`phases.${phase}.waiting_for`]: true },
    },
  );
}

/** Counts what a phase that was broken off has left. */
async function refreshDataset(
  store: Store,
  { dataset_id, phases }: Pick<JobDocument, 'dataset_id' | 'phases'>,
  phase: PhaseName,
): Promise<void> {
  if (phase === 'indexing') await refreshCounts(store, dataset_id);
  else if (phases.embedding.model_key !== undefined) await refreshModel(store, dataset_id, phases.embedding.model_key);
}

/** Ends a load: ends what was still open, and drops the working documents that nothing needs any more. */
export async function endJob(store: Store, jobId: string, state: JobState, error?: RecordedError): Promise<void> {
  const load = await store.jobs.findOne({ _id: jobId }, { projection: { phases: 1 } });
  if (load === null) return;
  for (const phase of ['indexing', 'embedding'] as const) {
    const { state: reached, finished_at } = load.phases[phase];
    if (finished_at !== undefined || reached === 'skipped') continue;
    await endPhase(store, jobId, phase, phaseEnd(reached, state));
  }
  const recorded = error?.code === CANCELED ? await withProgress(store, jobId, error) : error;
  await store.jobs.updateOne(
    { _id: jobId, finished_at: { $exists: false } },
    { $set: { state, finished_at: new Date(), ...(recorded ? { error: recorded } : {}) }, $unset: { paused_at: true } },
  );
  await Promise.all([store.pages.deleteMany({ job_id: jobId }), store.progress.deleteMany({ job_id: jobId })]);
}

/** The code that a canceled load's record has. */
const CANCELED = 'Canceled';

/** A cancel says how far the load had come. */
async function withProgress(store: Store, jobId: string, error: RecordedError): Promise<RecordedError> {
  const load = await store.jobs.findOne({ _id: jobId });
  return load === null ? error : { ...error, message: `${error.message} ${canceledInWords(load)}` };
}
