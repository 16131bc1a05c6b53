import type { JobStatus } from '../contract/job.ts';

/** Whether a retry has read no file again: none had failed, and none that had was away or outside the source roots. */
export function readNothing({ kind, phases: { indexing } }: JobStatus): boolean {
  const { unreadable_folders = 0, outside_links = 0 } = indexing.outcomes ?? {};
  return kind === 'retry' && indexing.total === 0 && unreadable_folders + outside_links === 0;
}

/** Whether a retry found nothing to do at all. */
export function hadNothingToRetry(status: JobStatus): boolean {
  return status.state === 'completed' && readNothing(status) && status.phases.embedding.total === 0;
}
