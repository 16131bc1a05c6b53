import type { Client } from '@temporalio/client';
import { WEBHOOK_WORKFLOW } from '../contract/names.ts';

/**
 * How many messages to a job's webhooks were not delivered, or not yet: by Temporal's list, which lags a little behind and knows
 * what its retention has left.
 */
export async function countUndelivered(temporal: Client, jobId: string): Promise<number> {
  const { count } = await temporal.workflow.count(
    `WorkflowType = "${WEBHOOK_WORKFLOW}" AND WorkflowId STARTS_WITH "webhook-${jobId}/" AND ExecutionStatus != "Completed"`,
  );
  return count;
}
