import type { Dataset, Load } from './api/shapes.ts';

/** How far one can use a dataset. */
export type Readiness = 'waiting' | 'indexing' | 'browsable' | 'ready' | 'deleting';

/** @param load the dataset's job under way, if there is one */
export function readinessOf(dataset: Dataset, load: Load | undefined): Readiness {
  if (dataset.deleting) return 'deleting';
  const underWay = load !== undefined && load.finished_at === null;
  const indexing = underWay && ['pending', 'running', 'waiting'].includes(load.phases.indexing.state);
  // Samples can be seen before the job has told of them.
  if (indexing && load.kind === 'load') return dataset.next_seq > 0 ? 'indexing' : 'waiting';
  const embedding = dataset.phases.embedding?.state;
  if (underWay && ['pending', 'running', 'waiting'].includes(load.phases.embedding.state)) return 'browsable';
  if (embedding === 'completed' && dataset.models.length > 0) return 'ready';
  return dataset.next_seq > 0 ? 'browsable' : 'waiting';
}

/**
 * How many samples there are. Counts are written at the turns of a job; while it runs, what it has indexed is added. Numbers are
 * given out ahead of that, so `next_seq` alone promises too many.
 */
export function samplesSoFar({ counts, next_seq }: Dataset, load: Load | undefined): number {
  if (load === undefined || load.finished_at !== null) return counts.total;
  const { done, failed } = load.phases.indexing;
  return Math.max(counts.total, Math.min(next_seq, counts.total + done + failed));
}
