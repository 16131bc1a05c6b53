import type { JobStatus } from '../../contract/job.ts';
import { counted } from '../terminal/quantities.ts';

/** The removals of a prune or a delete so far. These jobs have no phases. */
export function removalLine({ kind, state, removed }: JobStatus): string {
  const { samples = 0, vectors = 0, kept = 0, unreadable_folders = [] } = removed ?? {};
  if (kind === 'prune' && state === 'completed' && samples + vectors + kept === 0) return 'nothing was missing';
  return `removed ${counted(samples, 'sample')}, ${counted(vectors, 'vector')}${keptInWords(kept, unreadable_folders)}`;
}

function keptInWords(kept: number, folders: readonly string[]): string {
  if (kept === 0) return '';
  if (folders.length === 0) return `; kept ${counted(kept, 'sample')} whose files are there again: load the folder`;
  return `; kept ${counted(kept, 'sample')}: see whether ${folders.join(', ')} is mounted`;
}
