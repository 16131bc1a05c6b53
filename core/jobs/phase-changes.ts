import type { JobState, PhaseName, PhaseState } from '../../contract/job.ts';
import type { JobDocument, PhaseDocument, Waiting } from '../store/documents.ts';
import { isUnderWay, shownOf } from './status.ts';

/**
 * Changes of a phase when it begins, stops, continues and ends. The workflow applies them to its state, the store to
 * the record.
 */

/** A phase stops, or waits for another cause. An unchanged wait keeps its start. */
export function held(phase: PhaseDocument, waiting: Waiting): Partial<PhaseDocument> {
  if (phase.waiting_for?.reason === waiting.reason) {
    return { state: 'waiting', waiting_for: { ...waiting, since: phase.waiting_for.since } };
  }
  return { state: 'waiting', waiting_for: waiting, ...waitEnded(phase, waiting.since) };
}

/** A phase continues or begins. */
export function released(phase: PhaseDocument, now: Date): Partial<PhaseDocument> {
  return { state: 'running', started_at: phase.started_at ?? now, ...waitEnded(phase, now) };
}

/** A job is resumed. The pause does not count as work, unless the phase was waiting anyway. */
export function resumed(job: JobDocument, phase: PhaseDocument, now: Date): Partial<PhaseDocument> {
  const { paused_at } = job;
  if (paused_at === undefined || phase.started_at === undefined || !isUnderWay(phase)) return {};
  if (phase.waiting_for !== undefined) return {};
  const since = Math.max(paused_at.getTime(), phase.started_at.getTime());
  return { waited_ms: (phase.waited_ms ?? 0) + (now.getTime() - since) };
}

/** A phase ends, and so does its wait. */
export function ended(
  job: Pick<JobDocument, 'phases' | 'paused_at'>,
  name: PhaseName,
  now: Date,
): Partial<PhaseDocument> {
  return waitEnded(shownOf(job, name), now);
}

function waitEnded(phase: PhaseDocument, now: Date): Partial<PhaseDocument> {
  const { started_at, waiting_for, waited_ms = 0 } = phase;
  if (started_at === undefined || waiting_for === undefined) return {};
  return { waited_ms: waited_ms + Math.max(0, now.getTime() - waiting_for.since.getTime()) };
}

/** The final state of a phase when its job ends. A phase that never began is skipped, however the job ended. */
export function phaseEnd(reached: PhaseState, job: JobState): PhaseState {
  if (reached === 'pending') return 'skipped';
  return job === 'canceled' ? 'canceled' : job === 'completed' ? 'completed' : 'failed';
}
