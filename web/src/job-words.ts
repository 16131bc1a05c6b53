import { hasPhases, isOver } from '../../contract/job.ts';
import type { Job, JobKind, JobState, Phase, PhaseName } from './api/shapes.ts';
import { failuresOf, failureWords, sumOf } from './failures.ts';
import { type MediumWords, mediumWords } from './medium.ts';
import { count, counted, duration, perSecond, roughDuration, until } from './words.ts';

export const PHASES: readonly PhaseName[] = ['indexing', 'embedding'];
export const PHASE_TITLES: Readonly<Record<PhaseName, string>> = { indexing: 'Indexing', embedding: 'Embedding' };
/** The items that a phase goes through. */
const itemOf = (name: PhaseName, { file, sample }: MediumWords) => (name === 'indexing' ? file : sample);

export const STATE_WORDS: Readonly<Record<JobState, string>> = {
  queued: 'Queued',
  running: 'Running',
  paused: 'Paused',
  completed: 'Completed',
  failed: 'Failed',
  canceled: 'Canceled',
};

export const KIND_WORDS: Readonly<Record<JobKind, string>> = {
  load: 'Load',
  retry: 'Retry',
  embed: 'Embedding',
  prune: 'Prune',
  relocate: 'Relocate',
  forget: 'Forget',
  delete: 'Deletion',
  duplicates: 'Search for duplicates',
  drop: "Drop of a model's vectors",
  index: 'Search index',
  annotate: 'Annotation',
  export: 'Export',
  import: 'Import of vectors',
};

export const failedOf = (job: Job) => sumOf(failuresOf(job));

/** How long a job took or has been running; empty if it has not begun, or if the clock was set back meanwhile. */
export function tookWords({ started_at, finished_at }: Job, nowMs: number): string {
  if (started_at === null) return '';
  const end = finished_at === null ? nowMs : Date.parse(finished_at);
  const seconds = (end - Date.parse(started_at)) / 1000;
  return seconds < 0 ? '' : duration(seconds);
}

/** The phases of a job of this kind. */
export const phasesOf = (job: Job): readonly PhaseName[] =>
  !hasPhases(job.kind) ? [] : job.kind === 'embed' || job.kind === 'index' ? ['embedding'] : PHASES;

/** The done share of a phase, 0 to 1; null while the total is unknown. */
export function shareOf(phase: Phase): number | null {
  if (phase.state === 'completed') return 1;
  if (!phase.total_known && phase.finished_at === null) return null;
  return phase.total === 0 ? 0 : Math.min(1, (phase.done + phase.failed) / phase.total);
}

/**
 * The red share of a bar, 0 to 1. A job embeds only samples without a vector. If a dataset is complete except for a few
 * samples that fail each time, a bar for the job alone would be all red.
 *
 * @param samples the number of samples in the dataset, if the bar represents all of them
 */
export function lostShareOf(job: Job, name: PhaseName, samples = 0): number {
  const { failed, total } = job.phases[name];
  const whole = Math.max(total, samples, name === 'embedding' ? job.phases.indexing.total : 0);
  return whole === 0 ? 0 : failed / whole;
}

/** The progress of a phase, `2,048 of 9,997 files`, or what it waits for. */
export function progressWords(job: Job, name: PhaseName, medium: MediumWords = mediumWords(undefined)): string {
  const phase = job.phases[name];
  const item = itemOf(name, medium);
  const processed = phase.done + phase.failed;
  if (phase.state === 'skipped') {
    if (name === 'indexing') return 'Not part of this job';
    return job.request.embed === false || job.state === 'completed' ? 'Not asked for' : 'Did not begin';
  }
  if (phase.state === 'pending') {
    if (isOver(job)) return 'Did not begin';
    if (job.state === 'paused') return 'Paused before it began';
    return name === 'embedding' && job.phases.indexing.finished_at === null ? 'Begins after indexing' : 'Starting';
  }
  const { index } = phase;
  if (index !== undefined && phase.finished_at === null)
    return `Search index: ${count(index.done)} of ${counted(index.total, 'vector')}`;
  if (index !== undefined && phase.total === 0) return `${counted(index.done, 'vector')} in the search index`;
  if (phase.finished_at === null && phase.total === 0) return 'Starting';
  if (phase.state === 'completed' && phase.total === 0 && name === 'embedding') return 'Nothing to embed';
  if (phase.finished_at !== null && phase.done === 0 && processed === phase.total && processed > 0)
    return `none of ${counted(processed, item)}`;
  if (phase.finished_at !== null && processed === phase.total) return counted(processed, item);
  if (!phase.total_known) return `${count(processed)} of ${count(phase.total)}+ ${item}s, still listing`;
  return `${count(processed)} of ${counted(phase.total, item)}`;
}

/** The progress of a search for duplicates. */
export function comparedWords({ compared }: Job): string {
  if (compared === undefined || compared.total === 0) return 'Starting';
  const { samples, total, groups } = compared;
  const done = samples === total ? counted(total, 'sample') : `${count(samples)} of ${counted(total, 'sample')}`;
  return `${done} compared${groups === undefined ? '' : `, ${counted(groups, 'group')}`}`;
}

/** The progress of an export. */
export function exportedWords({ exported, state }: Job): string {
  if (exported === undefined) return 'Starting';
  const { samples, total, images, annotations, skipped_samples } = exported;
  const left = Object.values(skipped_samples).reduce((sum, n) => sum + n, 0);
  const done =
    state === 'completed' || samples === total
      ? counted(samples, 'sample')
      : `${count(samples)} of ${counted(total, 'sample')}`;
  return [
    `${done} exported`,
    ...(annotations > 0 ? [counted(annotations, 'annotation')] : []),
    ...(images > 0 ? [counted(images, 'image')] : []),
    ...(left > 0 ? [`${counted(left, 'sample')} left out`] : []),
  ].join(', ');
}

/** The progress of an import of vectors. */
export function importedWords({ imported, phases }: Job): string {
  if (imported === undefined) return 'Starting';
  const { index, finished_at } = phases.embedding;
  if (index !== undefined && finished_at === null)
    return `Search index: ${count(index.done)} of ${counted(index.total, 'vector')}`;
  const left = Object.values(imported.invalid).reduce((sum, n) => sum + (n ?? 0), 0);
  return [
    `${counted(imported.vectors, 'vector')} imported`,
    ...(imported.unknown > 0 ? [`${count(imported.unknown)} of no sample`] : []),
    ...(left > 0 ? [`${count(left)} can't be used`] : []),
  ].join(', ');
}

/** The rate of a phase, `1,250/s`, and its remaining or total time. */
export function paceWords(job: Job, phase: Phase): string[] {
  const { rate, started_at, finished_at, seconds_left } = phase;
  if (phase.state === 'skipped' || phase.state === 'pending') return [];
  if (finished_at !== null) {
    if (started_at === null || phase.total === 0) return [];
    const seconds = (Date.parse(finished_at) - Date.parse(started_at)) / 1000;
    return [...(seconds < 0 ? [] : [`in ${duration(seconds)}`]), ...(rate && phase.done > 0 ? [perSecond(rate)] : [])];
  }
  if (phase.state === 'waiting' || job.state === 'paused' || rate === null) return [];
  const left = seconds_left === null ? [] : [seconds_left === 0 ? 'finishing' : `${roughDuration(seconds_left)} left`];
  return [perSecond(rate), ...left];
}

/** An idle worker starts a task within this time, so shorter waits are not shown. */
const TAKEN_UP_MS = 3000;

/** A sentence that says what a phase waits for; empty if it does not wait. */
export function waitWords(phase: Phase, nowMs: number): string {
  const wait = phase.waiting_for;
  if (!wait) return '';
  switch (wait.reason) {
    case 'worker':
      if (phase.started_at === null && nowMs - Date.parse(wait.since) < TAKEN_UP_MS) return '';
      return `Waiting for a worker on ${wait.task_queue ?? 'its task queue'}`;
    case 'other_job':
      return 'Waiting for another job that embeds this dataset';
    case 'window':
      return wait.until === null ? 'Waiting for its window' : `Waiting for its window, ${until(wait.until, nowMs)}`;
    case 'time':
      return wait.until === null ? 'Waiting for its time' : `Waiting until ${until(wait.until, nowMs)}`;
    case 'paused':
      return 'Paused';
    case 'throttled':
      return wait.samples_per_second === undefined
        ? 'Held to the rate limit'
        : `Held to ${count(wait.samples_per_second)} samples/s`;
  }
}

/** The source of a job's samples; empty if the job has none. */
export const sourceOf = (job: Job) => (typeof job.request.source === 'string' ? job.request.source : '');
export const modelOf = (job: Job) => (typeof job.request.model === 'string' ? job.request.model : '');

/** The end of a job in words. */
export function endWords(job: Job): string {
  const failed = failureWords(failuresOf(job)).map((each) => each.words);
  const words = `${KIND_WORDS[job.kind]} of ${job.dataset} ${STATE_WORDS[job.state].toLowerCase()}`;
  return `${[words, ...failed].join(', ')}.`;
}
