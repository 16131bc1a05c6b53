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

/** The failure that began it, below the wrappers that each activity and child workflow adds. */
function rootOf(error: unknown): unknown {
  let root = error;
  while ((root instanceof ActivityFailure || root instanceof ChildWorkflowFailure) && root.cause !== undefined)
    root = root.cause;
  return root;
}

/**
 * Whether work that was told to stop ended by that, and can be begun again. Temporal tries nothing again once it has been asked to
 * cancel it, so a worker that died or a database that was away ends the work, too, where without the stop it would have
 * been tried again.
 */
export function isInterruption(error: unknown): boolean {
  if (isCancellation(error)) return true;
  const root = rootOf(error);
  return root instanceof ApplicationFailure ? root.nonRetryable !== true : root instanceof TimeoutFailure;
}

/** @param reason why it was canceled, where who did it has said so */
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

/** For a failure whose type is not ours, as when a database was away for too long. */
const UNEXPECTED = 'Unexpected' satisfies FailureCode;

/** Ours are final, so their types are codes of the table. */
const codeOf = ({ nonRetryable, type }: ApplicationFailure): FailureCode =>
  nonRetryable && isFailureCode(type) ? type : UNEXPECTED;

/** The message names a type that the code does not. */
const messageOf = (failure: ApplicationFailure) =>
  !failure.type || failure.type === codeOf(failure) ? failure.message : `${failure.type}: ${failure.message}`;

/**
 * What the workflow ends with: its own failure says what went wrong, where the wrapper's only says that something did. Where
 * a cancel was asked for, that is why it ends, also if an activity failed in place of ending; where it was not, a part of the
 * job that was canceled is a failure of the job.
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

/** The outermost part that has a name: the activity, or the child workflow. */
function workOf(error: unknown): string {
  if (error instanceof ActivityFailure) return `Activity ${error.activityType}`;
  if (error instanceof ChildWorkflowFailure) return `Workflow ${error.execution.workflowId ?? error.workflowType}`;
  return 'A part of the job';
}
