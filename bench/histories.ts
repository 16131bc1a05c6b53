import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { History } from './figure.ts';

/** The length of a workflow's history, run by run from the first one. */
export async function readHistory(temporal: Client, workflowId: string, firstRunId?: string): Promise<History> {
  const runs: History['runs'] = [];
  for (let runId = firstRunId; ; ) {
    const handle = temporal.workflow.getHandle(workflowId, runId);
    const { historyLength, historySize, status } = await handle.describe();
    runs.push({ events: historyLength, bytes: historySize ?? 0 });
    if (status.name !== 'CONTINUED_AS_NEW') return { workflow_id: workflowId, runs };
    const { events } = await handle.fetchHistory();
    const next = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
    if (!next) return { workflow_id: workflowId, runs };
    runId = next;
  }
}

/** The same, or undefined if there is no such workflow. */
export async function findHistory(temporal: Client, workflowId: string): Promise<History | undefined> {
  try {
    return await readHistory(temporal, workflowId);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
