import type { Client } from '@temporalio/client';
import { WEBHOOK_WORKFLOW } from '../contract/names.ts';

/**
 * Counts the messages to a job's webhooks that were not delivered, or not yet. Temporal's list lags a little, and lacks
 * what is past Temporal's retention.
 */
export async function countUndelivered(temporal: Client, jobId: string): Promise<number> {
  const { count } = await temporal.workflow.count(
    `WorkflowType = "${WEBHOOK_WORKFLOW}" AND WorkflowId STARTS_WITH "webhook-${jobId}/" AND ExecutionStatus != "Completed"`,
  );
  return count;
}
