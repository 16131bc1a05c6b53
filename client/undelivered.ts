import { type Client, type WorkflowExecutionInfo, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { RecordedError } from '../contract/job.ts';
import { WEBHOOK_WORKFLOW } from '../contract/names.ts';
import { ifFound } from '../temporal/jobs.ts';
import { pendingActivitiesOf } from '../temporal/pending-activity.ts';

/** A message to a webhook that was not delivered, or not yet. */
export interface UndeliveredMessage {
  /** `job.failed` */
  event: string;
  /** The webhook's position in the job's request, from 0. */
  webhook: number;
  /** `ended`: the delivery was ended on Temporal. */
  state: 'pending' | 'failed' | 'ended';
  /** The attempt that runs or comes next; null if there is none. */
  attempt: number | null;
  /** Null if an attempt runs, or none comes. */
  next_attempt_at: Date | null;
  /** How the last attempt failed; null if none has. */
  error: RecordedError | null;
}

const undeliveredOf = (jobId: string) =>
  `WorkflowType = "${WEBHOOK_WORKFLOW}" AND WorkflowId STARTS_WITH "webhook-${jobId}/" AND ExecutionStatus != "Completed"`;

/**
 * Counts the messages to a job's webhooks that were not delivered, or not yet. Temporal's list lags a little, and lacks
 * what is past Temporal's retention.
 */
export async function countUndelivered(temporal: Client, jobId: string): Promise<number> {
  const { count } = await temporal.workflow.count(undeliveredOf(jobId));
  return count;
}

/** The messages that `countUndelivered` counts, with why: the first `limit`. */
export async function listUndelivered(temporal: Client, jobId: string, limit: number): Promise<UndeliveredMessage[]> {
  const found: WorkflowExecutionInfo[] = [];
  for await (const delivery of temporal.workflow.list({ query: undeliveredOf(jobId), pageSize: limit })) {
    found.push(delivery);
    if (found.length === limit) break;
  }
  const messages = await Promise.all(found.map((delivery) => messageOf(temporal, delivery)));
  return messages.sort((a, b) => a.webhook - b.webhook || a.event.localeCompare(b.event));
}

async function messageOf(
  temporal: Client,
  { workflowId, runId, status }: WorkflowExecutionInfo,
): Promise<UndeliveredMessage> {
  const [, event = '', n = '0'] = workflowId.split('/');
  const message = { event, webhook: Number(n), attempt: null, next_attempt_at: null, error: null };
  if (status.name === 'FAILED')
    return { ...message, state: 'failed', error: await failureOf(temporal, workflowId, runId) };
  if (status.name !== 'RUNNING') return { ...message, state: 'ended' };
  const [sending] = (await ifFound(pendingActivitiesOf(temporal, { workflowId, runId }))) ?? [];
  return {
    ...message,
    state: 'pending',
    attempt: sending?.attempt ?? null,
    next_attempt_at: sending?.nextAttemptAt ?? null,
    error: sending?.lastFailure?.error ?? null,
  };
}

/** Why a delivery has failed: the reason of its last attempt. */
async function failureOf(temporal: Client, workflowId: string, runId: string): Promise<RecordedError | null> {
  try {
    await temporal.workflow.getHandle(workflowId, runId).result();
    return null;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure)) throw error;
    return { code: error.cause.type ?? 'Unexpected', message: error.cause.message };
  }
}
