import type { JobState, PhaseState } from '../../contract/job.ts';

/** How a phase ends with its load. One that never began was skipped, however the load ended. */
export function phaseEnd(reached: PhaseState, load: JobState): PhaseState {
  if (reached === 'pending') return 'skipped';
  return load === 'canceled' ? 'canceled' : load === 'completed' ? 'completed' : 'failed';
}
