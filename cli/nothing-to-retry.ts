import type { LoadStatus } from '../core/loads/status.ts';

/** Whether a retry has read no file again: none had failed, and no folder of one that had was away. */
export function readNothing({ kind, phases: { indexing } }: LoadStatus): boolean {
  return kind === 'retry' && indexing.total === 0 && (indexing.outcomes?.unreadable_folders ?? 0) === 0;
}

/** Whether a retry found nothing to do at all. */
export function hadNothingToRetry(status: LoadStatus): boolean {
  return status.state === 'completed' && readNothing(status) && status.phases.embedding.total === 0;
}
