import type { LoadState, Schedule, ScheduledRun } from './api/shapes.ts';
import { until } from './words.ts';

/** Why it is paused, where somebody said so: without a reason Temporal is given the bare word. */
export const reasonOf = ({ paused, note }: Schedule): string =>
  paused && note !== null && note !== 'paused' ? note : '';

/** When it runs next. */
export function nextWords({ paused, next_run }: Schedule, nowMs: number): string {
  if (paused) return 'Paused';
  if (next_run === null) return 'No run is due';
  return Date.parse(next_run) <= nowMs ? 'Due now' : `Next ${until(next_run, nowMs)}`;
}

/** The state of the load that a run started; null where it started none, or nobody knows. */
export const loadStateOf = ({ result }: ScheduledRun): LoadState | null =>
  result === 'skipped' || result === 'unknown' ? null : result;

/** What became of a run that was asked for. */
export function triggeredWords({ name, dataset, last_run }: Schedule): string {
  if (last_run?.result === 'skipped') return `Skipped: a job of ${dataset} is running already.`;
  if (last_run?.result === 'failed' && last_run.job_id === null) return 'The run failed before its load began.';
  return last_run?.job_id ? `${name} loads now.` : `${name} is to load now; no worker has taken it up yet.`;
}
