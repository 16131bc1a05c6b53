import type { JobState, Schedule, ScheduledRun } from './api/shapes.ts';
import { until } from './words.ts';

/** The reason of a pause, or an empty string. Without a reason, Temporal stores only "paused". */
export const reasonOf = ({ paused, note }: Schedule): string =>
  paused && note !== null && note !== 'paused' ? note : '';

const NAMED = 5;
const list = new Intl.ListFormat('en');

/** The schedules that a deletion pauses, in a sentence; empty if there are none. */
export const pausedWords = (schedules: readonly string[]): string =>
  sentence(schedules, 'loads it, and is paused', 'load it, and are paused');

/** The schedules that bring a forgotten folder back, in a sentence; empty if there are none. */
export const bringsBackWords = (schedules: readonly string[]): string =>
  sentence(schedules, 'loads it, and will bring it back', 'load it, and will bring it back');

function sentence(schedules: readonly string[], one: string, several: string): string {
  if (schedules.length === 0) return '';
  if (schedules.length === 1) return `The schedule ${schedules[0]} ${one}.`;
  const more = schedules.length > NAMED + 1 ? schedules.length - NAMED : 0;
  const named = more === 0 ? schedules : [...schedules.slice(0, NAMED), `${more} more`];
  return `The schedules ${list.format(named)} ${several}.`;
}

/** The next run of a schedule in words. */
export function nextWords({ paused, next_run }: Schedule, nowMs: number): string {
  if (paused) return 'Paused';
  if (next_run === null) return 'No run is due';
  return Date.parse(next_run) <= nowMs ? 'Due now' : `Next ${until(next_run, nowMs)}`;
}

/** The state of the load that a run started; null if it started none or the state is unknown. */
export const loadStateOf = ({ result }: ScheduledRun): JobState | null =>
  result === 'skipped' || result === 'unknown' ? null : result;

/** The outcome of a triggered run in words. */
export function triggeredWords({ name, dataset, last_run }: Schedule): string {
  if (last_run?.result === 'skipped') return `Skipped: a job of ${dataset} is running already.`;
  if (last_run?.result === 'failed' && last_run.job_id === null) return 'The run failed before its load began.';
  return last_run?.job_id ? `${name} loads now.` : `${name} is to load now; no worker has taken it up yet.`;
}
