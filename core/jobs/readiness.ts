import type { DatasetDocument } from '../store/documents.ts';

/** How usable a dataset is. This is independent of running jobs: a ready dataset may be embedded with another model. */
export const READINESS = ['deleting', 'waiting', 'indexing', 'failed', 'empty', 'browsable', 'ready'] as const;

/**
 * - `deleting`: a job deletes it. Nothing is written to it any more.
 * - `waiting`: a job indexes it, but it has no samples yet.
 * - `indexing`: a job indexes it. Existing samples can be browsed; more may follow.
 * - `failed`: it has no samples, because indexing failed.
 * - `empty`: it has no samples, and no job indexes it.
 * - `browsable`: all samples can be browsed. No model has embedded them all since they were last indexed.
 * - `ready`: all samples can be browsed, and a model has embedded all samples that it could.
 */
export type Readiness = (typeof READINESS)[number];

/** The readiness of a dataset. A killed job counts as running until its end is recorded. */
export function readinessOf({
  deleting,
  phases,
  counts,
  models,
  next_seq,
}: Pick<DatasetDocument, 'deleting' | 'phases' | 'counts' | 'models' | 'next_seq'>): Readiness {
  if (deleting !== undefined) return 'deleting';
  const { indexing, embedding } = phases;
  // Counts are final when indexing ends. Until then, `next_seq` shows whether there are samples.
  if (indexing?.state === 'running') return next_seq > 0 ? 'indexing' : 'waiting';
  if (counts.total === 0) return indexing?.state === 'failed' ? 'failed' : 'empty';
  if (indexing === undefined) return 'browsable';
  // A job that indexes and embeds decides by its own result, whatever the clocks of two workers say.
  if (embedding?.job_id === indexing.job_id) return embedding.state === 'completed' ? 'ready' : 'browsable';
  // An embedding that was planned before the indexing ended may have seen fewer samples, however late it ended.
  const isEmbedded = models.some(({ planned_at }) => planned_at !== undefined && planned_at >= indexing.at);
  return isEmbedded ? 'ready' : 'browsable';
}
