import type { DatasetDocument } from '../store/documents.ts';

/** How far a dataset can be used. It says nothing of what runs: a ready dataset may be embedded with another model. */
export const READINESS = ['deleting', 'waiting', 'indexing', 'failed', 'empty', 'browsable', 'ready'] as const;

/**
 * - `deleting`: a job deletes it. Nothing is written to it any more.
 * - `waiting`: a job indexes it, and no sample is there yet.
 * - `indexing`: a job indexes it. The samples that are there can be browsed; more may come.
 * - `failed`: it has no samples, because indexing failed.
 * - `empty`: it has no samples, and no job indexes it.
 * - `browsable`: all samples can be browsed. No model has embedded them all since they were last indexed.
 * - `ready`: all samples can be browsed, and a model has embedded all that it could.
 */
export type Readiness = (typeof READINESS)[number];

/** A job that was killed counts as running until its end is on record. */
export function readinessOf({
  deleting,
  phases,
  counts,
  models,
  next_seq,
}: Pick<DatasetDocument, 'deleting' | 'phases' | 'counts' | 'models' | 'next_seq'>): Readiness {
  if (deleting !== undefined) return 'deleting';
  const { indexing, embedding } = phases;
  // Counts are settled when indexing ends. Until then, the numbers that were given out tell of samples.
  if (indexing?.state === 'running') return next_seq > 0 ? 'indexing' : 'waiting';
  if (counts.total === 0) return indexing?.state === 'failed' ? 'failed' : 'empty';
  if (indexing === undefined) return 'browsable';
  // A job that indexes and embeds answers for itself: another model's end may be later and yet know less.
  if (embedding?.job_id === indexing.job_id) return embedding.state === 'completed' ? 'ready' : 'browsable';
  const isEmbedded = models.some(({ completed_at }) => completed_at !== undefined && completed_at >= indexing.at);
  return isEmbedded ? 'ready' : 'browsable';
}
