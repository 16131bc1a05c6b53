import type { PlimsollClient } from '../client/plimsoll-client.ts';
import type { Milestone } from '../client/wait.ts';
import { hasReached, isBrowsable } from '../client/wait.ts';
import type { JobStatus } from '../contract/job.ts';
import { EXIT } from './exit-code.ts';
import { InterruptedError } from './failure.ts';
import { catchInterrupt } from './interrupt.ts';
import { readOutcome, type WebUi } from './outcome.ts';
import type { Output } from './output.ts';
import { createLiveView } from './progress/live-view.ts';
import { createPlainView } from './progress/plain-view.ts';
import type { ProgressView } from './progress/progress-view.ts';
import { summaryLines } from './summary.ts';
import { paintFor } from './terminal/paint.ts';
import { counted, duration, secondsBetween } from './terminal/quantities.ts';

export interface FollowOptions {
  for?: Milestone | undefined;
  timeoutMs?: number | undefined;
  /** Stops following; the job goes on. */
  signal?: AbortSignal | undefined;
}

/**
 * Shows a job's progress until it has ended or reached the milestone.
 *
 * @throws WaitTimeoutError, and the signal's reason
 */
export async function follow(client: PlimsollClient, jobId: string, options: FollowOptions = {}): Promise<JobStatus> {
  const { timeoutMs, signal } = options;
  signal?.throwIfAborted();
  const view = createView(process.stderr);
  let announced = false;
  try {
    return await client.wait(jobId, {
      for: options.for ?? 'completed',
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(signal === undefined ? {} : { signal }),
      onStatus(status) {
        view.show(status);
        if (announced || !isNewlyBrowsable(status)) return;
        announced = true;
        view.note(browsableLine(status));
      },
    });
  } finally {
    view.end();
  }
}

/** Moving bars on a terminal; elsewhere a line now and then. */
function createView(stream: NodeJS.WriteStream): ProgressView {
  return stream.isTTY ? createLiveView(stream) : createPlainView(stream);
}

/** Whether phase 1 is over while phase 2 goes on. */
function isNewlyBrowsable(status: JobStatus): boolean {
  const { kind, phases, finished_at } = status;
  return kind === 'load' && isBrowsable(status) && phases.embedding.state !== 'skipped' && finished_at === null;
}

function browsableLine({ dataset, phases: { indexing } }: JobStatus): string {
  const { green, bold, dim } = paintFor(process.stderr);
  const seconds = secondsBetween(indexing.started_at, indexing.finished_at);
  const after = seconds === undefined ? '' : ` after ${duration(seconds)}`;
  return `  ${green('✔')} ${bold('Browsable')}  ${counted(indexing.done, 'sample')}${after} ${dim(`· plimsoll samples ${dataset}`)}`;
}

/** Follows a job to its end, for `wait` and `--wait`. Ctrl-C leaves the job running. Returns the exit code. */
export async function followToEnd(
  client: PlimsollClient,
  servers: WebUi,
  jobId: string,
  output: Output,
  options: Omit<FollowOptions, 'signal'> = {},
): Promise<number> {
  const interrupt = catchInterrupt();
  try {
    const status = await follow(client, jobId, { ...options, signal: interrupt.signal });
    // On a terminal, the summary follows the bars.
    if (process.stderr.isTTY && !output.json) output.note('');
    await writeSummary(client, servers, status, output);
    return exitCodeOf(status, options.for);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    throw new InterruptedError(`No longer waiting; the job goes on: plimsoll wait ${jobId}`, interrupt.exitCode);
  } finally {
    interrupt.release();
  }
}

/** Writes a status as the command's result. */
export async function writeSummary(
  client: PlimsollClient,
  servers: WebUi,
  status: JobStatus,
  output: Output,
): Promise<void> {
  const lines = output.json ? [] : summaryLines(await readOutcome(client, servers, status), output.paint, output.width);
  output.result(status, () => lines);
}

/** The exit code of `wait`, and of commands that end like it. */
export function exitCodeOf(status: JobStatus, milestone: Milestone = 'completed'): number {
  return hasReached(status, milestone) ? EXIT.ok : EXIT.failed;
}
