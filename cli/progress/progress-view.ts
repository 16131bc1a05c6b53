import type { JobStatus } from '../../contract/job.ts';
import { createLiveView } from './live-view.ts';
import { createPlainView } from './plain-view.ts';

/** Shows a job's progress to a person. */
export interface ProgressView {
  show(status: JobStatus): void;
  /** A line that stays, above what moves. */
  note(line: string): void;
  /** Leaves the last state on the screen. */
  end(): void;
}

/** Bars that move where stderr is a terminal, a line now and then where it is not. */
export function createProgressView(stream: NodeJS.WriteStream = process.stderr): ProgressView {
  return stream.isTTY ? createLiveView(stream) : createPlainView(stream);
}
