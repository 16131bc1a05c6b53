import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import { type FailureCode, isFailureCode } from '../contract/failures.ts';
import type { RecordedError } from '../contract/job.ts';

/** The original failure, without the wrappers that each activity and child workflow adds. */
function rootOf(error: unknown): unknown {
  let root = error;
  while ((root instanceof ActivityFailure || root instanceof ChildWorkflowFailure) && root.cause !== undefined)
    root = root.cause;
  return root;
}

/**
 * Whether work failed because it was told to stop, so that it can be started again. Temporal makes no further attempt
 * once a cancel was requested, so a worker that died or a database that was down ends the work too, although it would
 * have been retried otherwise.
 */
export function isInterruption(error: unknown): boolean {
  if (isCancellation(error)) return true;
  const root = rootOf(error);
  return root instanceof ApplicationFailure ? root.nonRetryable !== true : root instanceof TimeoutFailure;
}

/**
 * The error as the job's record shows it: its code and a message.
 *
 * @param reason the reason that the person who canceled the job gave, if any
 */
export function recordedErrorOf(error: unknown, reason?: string): RecordedError & { code: FailureCode } {
  if (isCancellation(error)) {
    return {
      code: 'Canceled',
      message: reason === undefined ? 'The job was canceled.' : `Canceled: ${reason.replace(/\.$/, '')}.`,
    };
  }
  const root = rootOf(error);
  if (root instanceof ApplicationFailure) return { code: codeOf(root), message: messageOf(root) };
  return { code: UNEXPECTED, message: root instanceof Error ? `${root.name}: ${root.message}` : String(root) };
}

/** The code of a failure whose type is not Plimsoll's, for example when a database was down for too long. */
const UNEXPECTED = 'Unexpected' satisfies FailureCode;

/** Plimsoll's own failures are non-retryable, and their types are failure codes. */
const codeOf = ({ nonRetryable, type }: ApplicationFailure): FailureCode =>
  nonRetryable && isFailureCode(type) ? type : UNEXPECTED;

/** Prefixes the failure's type to its message unless the code already names it. */
const messageOf = (failure: ApplicationFailure) =>
  !failure.type || failure.type === codeOf(failure) ? failure.message : `${failure.type}: ${failure.message}`;

/**
 * The failure that a workflow ends with. It carries the original message, because a wrapper's message says only that an
 * activity failed. If a cancel was requested, the workflow ends as canceled even if an activity failed instead. If none
 * was requested, a canceled part of the job is a failure of the job.
 */
export function toFailure(error: unknown): unknown {
  if (CancellationScope.current().consideredCancelled) {
    return isCancellation(error) ? error : new CancelledFailure('The job was canceled.');
  }
  if (isCancellation(error)) {
    return failureOf('WorkCanceled', `${workOf(error)} was canceled by itself. ${AGAIN}`, error);
  }
  const root = rootOf(error);
  if (root instanceof TimeoutFailure) {
    const advice = 'See whether a worker polls its task queue (plimsoll doctor).';
    return failureOf('TimedOut', `${workOf(error)} did not end in time. ${advice} ${AGAIN}`, error);
  }
  if (!(root instanceof ApplicationFailure) || root === error) return error;
  return failureOf(codeOf(root), messageOf(root), error);
}

const AGAIN = 'What was done is kept; start it again to go on.';

/** A failure that ends a workflow, or refuses an update. */
export const failureOf = (type: FailureCode, message: string, cause?: unknown) =>
  ApplicationFailure.create({ type, message, nonRetryable: true, ...(cause instanceof Error ? { cause } : {}) });

/** Names the activity or child workflow that failed. */
function workOf(error: unknown): string {
  if (error instanceof ActivityFailure) return `Activity ${error.activityType}`;
  if (error instanceof ChildWorkflowFailure) return `Workflow ${error.execution.workflowId ?? error.workflowType}`;
  return 'A part of the job';
}
