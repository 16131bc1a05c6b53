import type { LoadStatus } from '../../core/loads/status.ts';
import { counted } from '../quantities.ts';

/** What a prune or a delete has removed so far: they have no phases. */
export function removalLine({ kind, state, removed }: LoadStatus): string {
  const { samples = 0, vectors = 0, kept = 0 } = removed ?? {};
  if (kind === 'prune' && state === 'completed' && samples + vectors + kept === 0) return 'nothing was missing';
  const back = kept > 0 ? `; kept ${counted(kept, 'sample')} whose files are there again: load the folder` : '';
  return `removed ${counted(samples, 'sample')}, ${counted(vectors, 'vector')}${back}`;
}
