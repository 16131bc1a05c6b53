import type { JobState, JobStatus, PhaseName, PhaseStatus } from '../contract/job.ts';
import { hadNothingToRetry } from './outcome.ts';
import { effectLine } from './progress/effect-line.ts';
import { PHASES, wordsOf } from './progress/phase-words.ts';
import { type Column, columns } from './terminal/columns.ts';
import type { Paint } from './terminal/paint.ts';
import { printable } from './terminal/printable.ts';
import { ago, count, counted, duration, secondsBetween } from './terminal/quantities.ts';

const HEADS: readonly Column[] = [
  { title: 'JOB' },
  { title: 'KIND' },
  { title: 'DATASET' },
  { title: 'STATE' },
  { title: 'STARTED' },
  { title: 'TOOK' },
  { title: 'WHAT' },
];

/** A table of jobs. IDs are cut to `idLength` characters. The last column is wrapped to fit `width` columns. */
export function jobLines(
  jobs: readonly JobStatus[],
  { idLength, width, paint }: { idLength: number; width: number; paint: Paint },
): string[] {
  const states: Record<JobState, (text: string) => string> = {
    queued: paint.dim,
    running: paint.cyan,
    paused: paint.yellow,
    completed: paint.green,
    failed: paint.red,
    canceled: paint.yellow,
  };
  return columns(
    HEADS,
    jobs.map((job) => [
      job.job_id.slice(0, idLength),
      job.kind,
      printable(job.dataset),
      states[job.state](job.state),
      job.started_at === null ? '' : ago(job.started_at),
      tookOf(job),
      whatOf(job),
    ]),
    paint,
    width,
  );
}

function tookOf({ started_at, finished_at }: JobStatus): string {
  const seconds = secondsBetween(started_at, finished_at);
  return seconds === undefined ? '' : duration(seconds);
}

/** The work that a job has done, in words. For a load, that is what was new, not the size of its folder. */
export function whatOf(job: JobStatus): string {
  const { kind, phases, error, removed, moved, compared, exported, annotations, imported, state, finished_at } = job;
  const effects = kind === 'annotate' ? [annotations] : [removed, moved, compared, exported, imported];
  if (hadNothingToRetry(job)) return 'nothing had failed';
  const parts = [
    ...(state === 'failed' && error !== null ? [printable(error.code)] : []),
    ...(effects.every((counts) => counts === undefined) ? [] : [effectLine(job)]),
    ...(kind === 'import' ? [] : PHASES)
      .filter((name) => phases[name].state !== 'skipped' && !(kind === 'retry' && isEmpty(phases[name])))
      .map((name) =>
        finished_at === null && phases[name].finished_at === null ? underWay(job, name) : DONE[name](job),
      ),
  ];
  return parts.filter((part) => part !== '').join('; ');
}

/** A retry may have nothing to read, or nothing to embed. */
const isEmpty = ({ finished_at, total }: PhaseStatus) => finished_at !== null && total === 0;

function underWay(job: JobStatus, name: PhaseName): string {
  const { main, failed, rate } = wordsOf(job, name);
  const { state, waiting_for } = job.phases[name];
  if (state === 'pending') return '';
  const held = waiting_for?.reason === 'throttled' ? rate : '';
  return `${name}: ${[main, failed, held].filter((part) => part !== '').join(', ')}`;
}

/** Failures are named by phase: files that can't be read are not those that can't be embedded. */
const DONE: Record<PhaseName, (job: JobStatus) => string> = {
  indexing({ phases: { indexing } }) {
    const { outcomes, done, failed: notRead, total } = indexing;
    const of = done + notRead < total ? `${count(done + notRead)} of ` : '';
    const files = `${of}${counted(total, 'file')}`;
    if (outcomes === undefined) return total > 0 ? files : '';
    const { added, changed, missing, failed } = outcomes;
    const news = [
      ...(added > 0 ? [`${count(added)} new`] : []),
      ...(changed > 0 ? [`${count(changed)} changed`] : []),
      ...(missing > 0 ? [`${count(missing)} missing`] : []),
    ];
    return `${files}: ${[
      ...(news.length > 0 ? news : failed < total || total === 0 ? ['none changed'] : []),
      ...(failed > 0 ? [`${count(failed)} can't be read`] : []),
    ].join(', ')}`;
  },
  embedding(job) {
    const { done, failed, total, reused = 0, state, started_at, index } = job.phases.embedding;
    if (started_at === null) return '';
    if (index !== undefined && total === 0) return `${count(index.done)} vectors indexed`;
    if (total === 0) return state === 'completed' ? 'nothing to embed' : '';
    if (failed === total) return `${count(failed)} ${foundNothingNew(job) ? 'still ' : ''}can't be embedded`;
    const of = done + failed < total ? ` of ${count(total)}` : '';
    const known = reused > 0 ? ` (${reused === done ? 'all' : count(reused)} reused)` : '';
    return `${count(done)}${of} embedded${known}${failed > 0 ? `, ${count(failed)} can't be` : ''}`;
  },
};

/** Whether a load found nothing new. */
function foundNothingNew({ phases: { indexing } }: JobStatus): boolean {
  return indexing.outcomes !== undefined && indexing.outcomes.added + indexing.outcomes.changed === 0;
}
