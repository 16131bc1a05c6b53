import { type JobState, PHASES, type PhaseName, type PhaseState, type RecordedError } from '../../contract/job.ts';
import { refreshModel } from '../embedding/record-model.ts';
import { refreshCounts } from '../indexing/counts.ts';
import { beginDatasetPhase, endDatasetPhase } from '../store/datasets.ts';
import type { JobDocument, PhaseDocument, Waiting } from '../store/documents.ts';
import {
  changePhase,
  findJob,
  findPausedBefore,
  finishJob,
  finishPhase,
  markPaused,
  markResumed,
} from '../store/jobs.ts';
import { removePages } from '../store/pages.ts';
import { type PhaseSums, removeProgress, sumProgress } from '../store/progress.ts';
import { removeStaged } from '../store/staged-annotations.ts';
import type { Store } from '../store/store.ts';
import { ended, held, phaseEnd, released, resumed } from './phase-changes.ts';
import { canceledInWords } from './words.ts';

/**
 * Marks a phase as working, for the first time or again. Only the job's own workflow changes its phases, one activity
 * at a time, so the state cannot change between the read and the write.
 */
export async function startPhase(
  store: Store,
  jobId: string,
  phase: PhaseName,
  fields: Partial<Pick<PhaseDocument, 'model_key' | 'device' | 'planned_at' | 'total' | 'total_known'>> = {},
): Promise<void> {
  const now = new Date();
  const job = await findJob(store, jobId);
  const from = job?.phases[phase].state;
  if (job === undefined || (from !== 'pending' && from !== 'waiting')) return;
  await changePhase(store, jobId, phase, { from, change: { ...fields, ...released(job.phases[phase], now) } });
  await beginDatasetPhase(store, { datasetId: job.dataset_id, jobId, phase, at: now });
}

/** Records why a phase waits, whether or not it has begun. */
export async function notePhaseWaits(
  store: Store,
  jobId: string,
  phase: PhaseName,
  waiting: Omit<Waiting, 'since'>,
): Promise<void> {
  const job = await findJob(store, jobId);
  if (job === undefined) return;
  const { state: from } = job.phases[phase];
  if (from !== 'pending' && from !== 'waiting' && from !== 'running') return;
  const { task_queue } = waiting;
  const change = held(job.phases[phase], { ...waiting, since: new Date() });
  await changePhase(store, jobId, phase, {
    from,
    change: { ...change, ...(task_queue === undefined ? {} : { task_queue }) },
  });
}

/**
 * Records that a job was paused at a given time. A repeated call changes nothing, nor does a late call after the job
 * has been resumed.
 */
export const notePaused = markPaused;

/**
 * Records that a job continues. A repeated call changes nothing, nor does a late call after the job has been paused
 * again.
 */
export async function noteResumed(store: Store, jobId: string, at: Date): Promise<void> {
  const job = await findPausedBefore(store, jobId, at);
  if (job === undefined) return;
  const changes = PHASES.map((name) => [name, resumed(job, job.phases[name], at)] as const);
  await markResumed(store, jobId, at, Object.fromEntries(changes));
}

/**
 * Ends a phase. Its counts become part of the job's record, and the dataset records the phase's end, unless a newer job
 * has begun the same phase.
 */
export async function endPhase(store: Store, jobId: string, phase: PhaseName, state: PhaseState): Promise<void> {
  const job = await findJob(store, jobId);
  if (job === undefined) return;
  const sums = (await sumProgress(store, jobId)).get(phase);
  const at = new Date();
  // A completed phase has already counted. The results of an interrupted one are counted here, so they can be browsed.
  if (state !== 'completed') await refreshDataset(store, job, phase);
  await endDatasetPhase(store, { datasetId: job.dataset_id, jobId, phase, state, at });
  await finishPhase(store, jobId, phase, {
    state,
    finished_at: at,
    ...ended(job, phase, at),
    ...(state === 'completed' ? { total_known: true } : {}),
    ...(sums === undefined ? {} : countsOf(phase, sums)),
  });
}

function countsOf(phase: PhaseName, { done, failed, reused, total, outcomes }: PhaseSums): Partial<PhaseDocument> {
  return phase === 'indexing' ? { done, failed, total, outcomes } : { done, failed, reused };
}

/** Counts the results of an interrupted phase. */
async function refreshDataset(store: Store, { dataset_id, phases }: JobDocument, phase: PhaseName): Promise<void> {
  if (phase === 'indexing') await refreshCounts(store, dataset_id);
  else if (phases.embedding.model_key !== undefined) await refreshModel(store, dataset_id, phases.embedding.model_key);
}

/** Ends a job: ends its open phases and removes its working documents. */
export async function endJob(store: Store, jobId: string, state: JobState, error?: RecordedError): Promise<void> {
  const job = await findJob(store, jobId);
  if (job === undefined) return;
  for (const phase of PHASES) {
    const { state: reached, finished_at } = job.phases[phase];
    if (finished_at !== undefined || reached === 'skipped') continue;
    await endPhase(store, jobId, phase, phaseEnd(reached, state));
  }
  await finishJob(store, jobId, state, error?.code === CANCELED ? await withProgress(store, jobId, error) : error);
  await Promise.all([
    removePages(store, [jobId]),
    removeProgress(store, [jobId]),
    removeStaged(store, job.annotations === undefined ? [] : [jobId]),
  ]);
}

/** The code in a canceled job's record. */
const CANCELED = 'Canceled';

/** Adds the job's progress to the error of a canceled job. */
async function withProgress(store: Store, jobId: string, error: RecordedError): Promise<RecordedError> {
  const job = await findJob(store, jobId);
  return job === undefined ? error : { ...error, message: `${error.message} ${canceledInWords(job)}` };
}
