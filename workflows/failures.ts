import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowFailure,
  isCancellation,
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
    return { code: 'Canceled', message: reason === undefined ? 'The load was canceled.' : `Canceled: ${reason}.` };
  }
  const root = rootOf(error);
  if (root instanceof ApplicationFailure) return { code: root.type ?? 'Error', message: root.message };
  return root instanceof Error ? { code: root.name, message: root.message } : { code: 'Error', message: String(root) };
}

/**
 * What the workflow ends with: its own failure says what went wrong, where the wrapper's only says that something did. Where
 * a cancel was asked for, that is why it ends, also if an activity failed in place of ending.
 */
export function toFailure(error: unknown): unknown {
  if (isCancellation(error)) return error;
  if (CancellationScope.current().consideredCancelled) return new CancelledFailure('The load was canceled.');
  const root = rootOf(error);
  if (!(root instanceof ApplicationFailure) || root === error) return error;
  return ApplicationFailure.create({
    type: root.type ?? 'Error',
    message: root.message,
    nonRetryable: true,
    ...(error instanceof Error ? { cause: error } : {}),
  });
}
