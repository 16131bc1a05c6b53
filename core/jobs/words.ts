import type { AnnotationsStatus } from '../../contract/annotations.ts';
import type { ExportedCounts } from '../../contract/exports.ts';
import type { ImportedStatus } from '../../contract/imported.ts';
import {
  type ArtifactStatus,
  type ComparedCounts,
  hasPhases,
  type IndexStatus,
  type JobKind,
  type JobStatus,
  type MovedCounts,
  type PhaseStatus,
  type RemovedCounts,
  type RetryingStatus,
  type WaitingStatus,
} from '../../contract/job.ts';
import type { JobDocument, PhaseDocument } from '../store/documents.ts';

const count = (n: number) => n.toLocaleString('en-US');

/** A phase as one line of text, for Temporal's UI and plain terminals. */
export function phaseInWords(name: string, phase: PhaseStatus): string {
  const progress = `${count(phase.done + phase.failed)} of ${count(phase.total)}${phase.total_known ? '' : '+'}`;
  const failed = phase.failed > 0 ? `, ${count(phase.failed)} failed` : '';
  const reused = phase.reused ? `, ${count(phase.reused)} reused` : '';
  const rate = phase.rate === null ? '' : `, ${count(Math.round(phase.rate * 10) / 10)}/s`;
  switch (phase.state) {
    case 'pending':
    case 'skipped':
      return `${name}: ${phase.state}`;
    case 'waiting': {
      const waiting = phase.waiting_for === null ? 'waiting' : waitingInWords(phase.waiting_for);
      return `${name}: ${waiting}${phase.started_at === null ? '' : `, ${progress}${failed}${reused}`}`;
    }
    default:
      return `${name}: ${phase.state}, ${progress}${failed}${reused}${rate}`;
  }
}

/**
 * The cause of a phase's wait as text. Times are in UTC, because the reader may be in any time zone.
 *
 * @param nowMs the current time, if the text is read at once: the last minute of a wait is then given in seconds
 */
export function waitingInWords(
  { reason, task_queue, until, samples_per_second }: WaitingStatus,
  nowMs?: number,
): string {
  const end = until === null ? '' : `, ${endInWords(until, nowMs)}`;
  switch (reason) {
    case 'other_job':
      return 'waiting for another job that embeds this dataset';
    case 'worker':
      return `waiting for a worker on ${task_queue ?? 'its task queue'}`;
    case 'window':
      return `waiting for its window to open${end}`;
    case 'time':
      return `waiting for its time${end}`;
    case 'paused':
      return 'paused';
    case 'throttled':
      return (
        `held back by the limit of ${samples_per_second ?? '?'} sample${samples_per_second === 1 ? '' : 's'}/s ` +
        `on ${task_queue ?? 'its task queue'}`
      );
  }
}

function endInWords(until: string, nowMs: number | undefined): string {
  const seconds = nowMs === undefined ? Number.POSITIVE_INFINITY : Math.ceil((Date.parse(until) - nowMs) / 1000);
  if (seconds < 60) return `in ${Math.max(0, seconds)}s`;
  return `until ${inUtc(until)}`;
}

/** A time as `2026-01-01 12:03:10 UTC`. Seconds are shown unless they are zero. */
const inUtc = (time: string) => `${time.replace('T', ' ').replace(/(?<=:\d\d)(:00)?(\.\d+)?Z$/, '')} UTC`;

/** A retried activity as text. The time is in UTC, because the reader may be in any time zone. */
export function retryingInWords({ activity, attempt, since, error }: RetryingStatus): string {
  return `${activity} is being retried (attempt ${attempt}, since ${inUtc(since)}): ${error.code}: ${error.message}`;
}

/** A job as up to three lines of text. */
export function jobInWords(status: JobStatus): string[] {
  const { retrying } = status;
  return [...progressInWords(status), ...(retrying === null ? [] : [retryingInWords(retrying)])];
}

function progressInWords(status: JobStatus): string[] {
  const { kind, phases, removed, moved, compared, exported, annotations, artifact, imported } = status;
  if (kind === 'duplicates') return [`compared: ${comparedInWords(compared)}`];
  if (kind === 'relocate') return [`moved: ${movedInWords(moved)}`];
  if (kind === 'annotate') return [annotationsInWords(annotations)];
  if (kind === 'export') return [`exported: ${exportedInWords(exported)}`];
  const { index } = phases.embedding;
  if (kind === 'import') return [importedInWords(imported), ...(index === undefined ? [] : [indexInWords(index)])];
  if (!hasPhases(kind)) return [`removed: ${removedInWords(kind, removed)}`];
  return [
    ...(kind === 'index'
      ? []
      : [phaseInWords('indexing', phases.indexing), phaseInWords('embedding', phases.embedding)]),
    ...(index === undefined ? [] : [indexInWords(index)]),
    ...(annotations === undefined ? [] : [annotationsInWords(annotations)]),
    ...(artifact === undefined ? [] : [artifactInWords(artifact)]),
  ];
}

/** How far the annotations of a job are. */
export function annotationsInWords(annotations: AnnotationsStatus | undefined): string {
  if (annotations === undefined) return 'annotations: starting';
  const { state, objects, matched, removed, field, paths, error } = annotations;
  if (error !== undefined) return `annotations: not read: ${error.message}`;
  if (state === 'reading') return `annotations: ${count(objects)} objects read`;
  if (paths.length === 0) return `annotations: ${field} removed from ${count(removed)} samples`;
  return `annotations: ${field}, ${count(objects)} objects, ${count(matched)} samples${state === 'applying' ? ' so far' : ''}`;
}

/** How far an import of vectors is. */
export function importedInWords(imported: ImportedStatus | undefined): string {
  if (imported === undefined) return 'vectors: starting';
  const { state, rows, total, vectors, unknown, invalid } = imported;
  const left = Object.values(invalid).reduce((sum, n) => sum + n, 0);
  const of = state === 'completed' || total === undefined ? '' : `, ${count(rows)} of ${count(total)} rows`;
  return (
    `vectors: ${count(vectors)} imported${of}` +
    `${unknown > 0 ? `, ${count(unknown)} of no sample` : ''}${left > 0 ? `, ${count(left)} can't be used` : ''}`
  );
}

/** How far the writing of an artifact is. */
export const artifactInWords = ({ path, state, chunks, total, error }: ArtifactStatus): string =>
  state === 'completed'
    ? `artifact: ${count(chunks)} chunks in ${path}`
    : error !== undefined
      ? `artifact: failed: ${error.message}`
      : `artifact: ${count(chunks)} of ${count(total)} chunks, for ${path}`;

/** How far the building of an index is. */
export const indexInWords = ({ kind, done, total }: IndexStatus): string =>
  `search index (${kind}): ${count(done)} of ${count(total)} vectors`;

/** How far a canceled job came, and how to continue it. */
export function canceledInWords({ kind, phases, removed, moved, compared, exported }: JobDocument): string {
  if (kind === 'duplicates') {
    return `${comparedInWords(compared)} were compared; the groups found before stay. Start it again to find new ones.`;
  }
  if (kind === 'annotate') return 'The samples that were annotated stay so; start it again to annotate the rest.';
  if (kind === 'export')
    return `${exportedInWords(exported)} were exported; what is written stays, and the same export to the folder goes on.`;
  if (kind === 'import') return 'The vectors that were imported stay; import the file again to bring the rest.';
  if (kind === 'relocate') return `${movedInWords(moved)} were moved; relocate again to move the rest.`;
  if (!hasPhases(kind)) {
    return `${removedInWords(kind, removed)} are gone; start it again to remove the rest.`;
  }
  if (kind === 'index')
    return 'The index before it serves on; what is built is kept for the next build on that machine.';
  const { indexing, embedding } = phases;
  const parts = [
    ...(kind === 'embed' ? [] : [reached(indexing, 'files are indexed and can be browsed')]),
    ...(embedding.started_at === undefined ? [] : [reached(embedding, 'samples are embedded')]),
  ];
  return `${parts.length === 0 ? 'Nothing was done yet' : parts.join(', ')}; ${kind} again to go on.`;
}

const removedInWords = (kind: JobKind, { samples, vectors }: RemovedCounts = { samples: 0, vectors: 0 }) =>
  kind === 'drop' ? `${count(vectors)} vectors` : `${count(samples)} samples and ${count(vectors)} vectors`;

const comparedInWords = ({ samples, total }: ComparedCounts = { samples: 0, total: 0 }) =>
  `${count(samples)} of ${count(total)} samples`;

const exportedInWords = ({ samples, total }: Pick<ExportedCounts, 'samples' | 'total'> = { samples: 0, total: 0 }) =>
  `${count(samples)} of ${count(total)} samples`;

const movedInWords = ({ samples }: MovedCounts = { samples: 0 }) => `${count(samples)} samples`;

function reached({ done, failed, total, total_known }: PhaseDocument, what: string): string {
  const of = total_known ? count(total) : `at least ${count(total)}`;
  return `${count(done)} of ${of} ${what}${failed > 0 ? `, ${count(failed)} failed` : ''}`;
}
