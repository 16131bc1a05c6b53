import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, isCancellation } from '@temporalio/workflow';
import type { RecordedError } from '../core/store/documents.ts';

/** The failure that began it, below the wrappers that each activity and child workflow adds. */
function rootOf(error: unknown): unknown {
  let root = error;
  while ((root instanceof ActivityFailure || root instanceof ChildWorkflowFailure) && root.cause !== undefined)
    root = root.cause;
  return root;
}

export function recordedErrorOf(error: unknown): RecordedError {
  if (isCancellation(error)) return { code: 'Canceled', message: 'The load was canceled.' };
  const root = rootOf(error);
  if (root instanceof ApplicationFailure) return { code: root.type ?? 'Error', message: root.message };
  return root instanceof Error ? { code: root.name, message: root.message } : { code: 'Error', message: String(root) };
}

/** What the workflow ends with: its own failure says what went wrong, where the wrapper's only says that something did. */
export function toFailure(error: unknown): unknown {
  const root = rootOf(error);
  if (isCancellation(error) || !(root instanceof ApplicationFailure) || root === error) return error;
  return ApplicationFailure.create({
    type: root.type ?? 'Error',
    message: root.message,
    nonRetryable: true,
    ...(error instanceof Error ? { cause: error } : {}),
  });
}
