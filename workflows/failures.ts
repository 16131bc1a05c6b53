import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { RecordedError } from '../core/store/documents.ts';

/** The failure that began it, below the wrappers that each activity and child workflow adds. */
function rootOf(error: unknown): unknown {
  let root = error;
  while ((root instanceof ActivityFailure || root instanceof ChildWorkflowFailure) && root.cause !== undefined)
    root = root.cause;
  return root;
}

/** @param reason why it was canceled, where who did it has said so */
export function recordedErrorOf(error: unknown, reason?: string): RecordedError {
  if (isCancellation(error)) {
    return {
      code: 'Canceled',
      message: reason === undefined ? 'The job was canceled.' : `Canceled: ${reason.replace(/\.$/, '')}.`,
    };
  }
  const root = rootOf(error);
  if (root instanceof ApplicationFailure) return { code: root.type ?? 'Error', message: root.message };
  return root instanceof Error ? { code: root.name, message: root.message } : { code: 'Error', message: String(root) };
}

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
  return failureOf(root.type ?? 'Error', root.message, error);
}

const AGAIN = 'What was done is kept; start it again to go on.';

const failureOf = (type: string, message: string, cause: unknown) =>
  ApplicationFailure.create({ type, message, nonRetryable: true, ...(cause instanceof Error ? { cause } : {}) });

/** The outermost part that has a name: the activity, or the child workflow. */
function workOf(error: unknown): string {
  if (error instanceof ActivityFailure) return `Activity ${error.activityType}`;
  if (error instanceof ChildWorkflowFailure) return `Workflow ${error.execution.workflowId ?? error.workflowType}`;
  return 'A part of the job';
}
