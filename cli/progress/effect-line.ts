import type { ExportedCounts } from '../../contract/exports.ts';
import type { ComparedCounts, JobState, JobStatus } from '../../contract/job.ts';
import { annotationsInWords, importedInWords, indexInWords } from '../../core/jobs/words.ts';
import { count, counted } from '../terminal/quantities.ts';

/** What a job without phases has removed, moved, compared, annotated, exported or imported so far. */
export function effectLine(status: JobStatus): string {
  const { kind, state, phases, removed, moved, compared, exported, annotations, imported } = status;
  if (kind === 'annotate') return annotationsInWords(annotations).replace(/^annotations: /, '');
  if (kind === 'export') return exportedLine(state, exported);
  if (kind === 'import') {
    const { index } = phases.embedding;
    return `${importedInWords(imported).replace(/^vectors: /, '')}${index === undefined ? '' : `; ${indexInWords(index)}`}`;
  }
  if (kind === 'duplicates') return comparedLine(compared);
  if (kind === 'relocate') return `moved ${counted(moved?.samples ?? 0, 'sample')}`;
  const { samples = 0, vectors = 0, kept = 0, unreadable_folders = [] } = removed ?? {};
  if (kind === 'drop') return `removed ${counted(vectors, 'vector')}`;
  if (kind === 'prune' && state === 'completed' && samples + vectors + kept === 0) return 'nothing was missing';
  return `removed ${counted(samples, 'sample')}, ${counted(vectors, 'vector')}${keptInWords(kept, unreadable_folders)}`;
}

function exportedLine(
  state: JobState,
  { samples, total }: Pick<ExportedCounts, 'samples' | 'total'> = NOTHING,
): string {
  if (state === 'completed' && samples === total) return `exported ${counted(samples, 'sample')}`;
  return `exported ${count(samples)} of ${counted(total, 'sample')}`;
}

const NOTHING = { samples: 0, total: 0 };

function comparedLine({ samples, total, groups }: ComparedCounts = { samples: 0, total: 0 }): string {
  if (groups !== undefined) return `found ${counted(groups, 'group')} in ${counted(total, 'sample')}`;
  return `compared ${count(samples)} of ${counted(total, 'sample')}`;
}

function keptInWords(kept: number, folders: readonly string[]): string {
  if (kept === 0) return '';
  if (folders.length === 0) return `; kept ${counted(kept, 'sample')} whose files are there again: load the folder`;
  return `; kept ${counted(kept, 'sample')}, held up by ${folders.join(', ')}`;
}
