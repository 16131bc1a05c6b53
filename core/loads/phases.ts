import type { LoadState, PhaseDocument, PhaseName, PhaseState, RecordedError, WaitReason } from '../store/documents.ts';
import { sumProgress } from '../store/progress.ts';
import type { Store } from '../store/store.ts';
import { phaseEnd } from './phase-end.ts';

/** Marks that a phase has all it needs and is at work. */
export async function startPhase(
  store: Store,
  loadId: string,
  phase: PhaseName,
  fields: Partial<Pick<PhaseDocument, 'model_key' | 'total' | 'total_known'>> = {},
): Promise<void> {
  const now = new Date();
  const set = Object.fromEntries(Object.entries(fields).map(([name, value]) => [`phases.${phase}.${name}`, value]));
  const load = await store.loads.findOneAndUpdate(
    { _id: loadId, [`phases.${phase}.state`]: { $in: ['pending', 'waiting'] } },
    {
      $set: { ...set, [`phases.${phase}.state`]: 'running', [`phases.${phase}.started_at`]: now },
      $unset: { [`phases.${phase}.waiting_for`]: true },
    },
  );
  if (load === null) return;
  await store.datasets.updateOne(
    { _id: load.dataset_id },
    { $set: { [`phases.${phase}`]: { state: 'running', load_id: loadId, at: now }, last_modified_at: now } },
  );
}

/** Notes what a phase that has not begun waits for. */
export async function notePhaseWaits(
  store: Store,
  loadId: string,
  phase: PhaseName,
  waiting: { reason: WaitReason; task_queue: string },
): Promise<void> {
  await store.loads.updateOne(
    {
      _id: loadId,
      [`phases.${phase}.state`]: { $in: ['pending', 'waiting'] },
      [`phases.${phase}.waiting_for.reason`]: { $ne: waiting.reason },
    },
    {
      $set: {
        [`phases.${phase}.state`]: 'waiting',
        [`phases.${phase}.waiting_for`]: { ...waiting, since: new Date() },
      },
    },
  );
}

/**
 * Ends a phase: its counts become part of the load's record, and the dataset says how it stands, unless a newer load has
 * begun the same phase of it.
 */
export async function endPhase(store: Store, loadId: string, phase: PhaseName, state: PhaseState): Promise<void> {
  const load = await store.loads.findOne({ _id: loadId }, { projection: { dataset_id: 1 } });
  if (load === null) return;
  const sum = (await sumProgress(store, loadId)).get(phase);
  const now = new Date();
  await store.datasets.updateOne(
    { _id: load.dataset_id, [`phases.${phase}.load_id`]: loadId, [`phases.${phase}.state`]: 'running' },
    { $set: { [`phases.${phase}`]: { state, load_id: loadId, at: now }, last_modified_at: now } },
  );
  await store.loads.updateOne(
    { _id: loadId, [`phases.${phase}.finished_at`]: { $exists: false } },
    {
      $set: {
        [`phases.${phase}.state`]: state,
        [`phases.${phase}.finished_at`]: now,
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

/** Ends a load: ends what was still open, and drops the working documents that nothing needs any more. */
export async function endLoad(store: Store, loadId: string, state: LoadState, error?: RecordedError): Promise<void> {
  const load = await store.loads.findOne({ _id: loadId }, { projection: { phases: 1 } });
  if (load === null) return;
  for (const phase of ['indexing', 'embedding'] as const) {
    const { state: reached, finished_at } = load.phases[phase];
    if (finished_at !== undefined || reached === 'skipped') continue;
    await endPhase(store, loadId, phase, phaseEnd(reached, state));
  }
  await store.loads.updateOne(
    { _id: loadId, finished_at: { $exists: false } },
    { $set: { state, finished_at: new Date(), ...(error ? { error } : {}) } },
  );
  await Promise.all([store.pages.deleteMany({ load_id: loadId }), store.progress.deleteMany({ load_id: loadId })]);
}
