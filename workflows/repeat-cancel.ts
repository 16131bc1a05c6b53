import {
  CancellationScope,
  type ChildWorkflowHandle,
  getExternalWorkflowHandle,
  patched,
  type Workflow,
} from '@temporalio/workflow';

/**
 * Asks a child that has just started to end, if this workflow was canceled meanwhile. A request that comes before the
 * server has started the child fails, and nobody repeats it: the child, and whoever awaits it, would go on. Returns
 * undefined where there is nothing to await: even that would change the order in which histories are replayed.
 */
export function repeatCancel<T extends Workflow>(child: ChildWorkflowHandle<T>): Promise<void> | undefined {
  // Jobs that began before this was repeated are replayed without.
  if (!CancellationScope.current().consideredCancelled || !patched('repeat-cancel')) return undefined;
  const { workflowId, firstExecutionRunId } = child;
  return CancellationScope.nonCancellable(() => getExternalWorkflowHandle(workflowId, firstExecutionRunId).cancel());
}
