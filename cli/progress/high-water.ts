import type { JobStatus, PhaseStatus } from '../../contract/job.ts';

/**
 * Keeps the counts that are shown from going backwards. A server that was away, or that answers out of order, may give
 * an older status.
 */
export function createHighWater(): (status: JobStatus) => JobStatus {
  let highest: JobStatus | undefined;
  return function raise(status) {
    const before = highest?.phases;
    highest = {
      ...status,
      phases: {
        indexing: higher(before?.indexing, status.phases.indexing),
        embedding: higher(before?.embedding, status.phases.embedding),
      },
    };
    return highest;
  };
}

function higher(before: PhaseStatus | undefined, now: PhaseStatus): PhaseStatus {
  if (before === undefined || now.finished_at !== null) return now;
  if (before.finished_at !== null) return before;
  const done = Math.max(before.done, now.done);
  const failed = Math.max(before.failed, now.failed);
  return { ...now, done, failed, total: Math.max(before.total, now.total, done + failed) };
}
