import type { JobStatus } from '../../contract/job.ts';

/** Shows a job's progress to a person. */
export interface ProgressView {
  show(status: JobStatus): void;
  /** Writes a line that stays, above the moving ones. */
  note(line: string): void;
  /** Leaves the last state on the screen. */
  end(): void;
}
