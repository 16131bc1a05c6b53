import type { JobStatus } from '../contract/job.ts';

/** A worker takes a fraction of it to close a workflow, unless it is gone. */
export const CLOSING_MS = 10_000;

/** Whether a job ended so lately that its workflow may still be open: its record ends a moment before. */
export function mayBeClosing({ finished_at }: JobStatus): boolean {
  return finished_at !== null && Date.now() - Date.parse(finished_at) < CLOSING_MS;
}
