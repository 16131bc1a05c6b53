import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  startChild,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import type { JobStatus } from '../contract/job.ts';
import { WEBHOOK_WORKFLOW } from '../contract/names.ts';
import type { Webhook, WebhookEvent } from '../contract/options.ts';
import { payloadOf } from '../contract/webhook-payload.ts';
import type { deliverWebhook } from './deliver-webhook.ts';

/**
 * Starts a delivery for each webhook that subscribes to the event, and returns once they are started. Deliveries
 * outlive the job and its cancellation. Announcing the same event of a job again does nothing.
 */
export async function announce(webhooks: readonly Webhook[], event: WebhookEvent, status: JobStatus): Promise<void> {
  const payload = payloadOf(event, status, new Date());
  const { job_id } = status;
  await CancellationScope.nonCancellable(() =>
    Promise.all(
      webhooks.map(async ({ url, secret, events }, n) => {
        if (events !== undefined && !events.includes(event)) return;
        try {
          await startChild<typeof deliverWebhook>(WEBHOOK_WORKFLOW, {
            workflowId: `webhook-${job_id}/${event}/${n}`,
            workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
            parentClosePolicy: ParentClosePolicy.ABANDON,
            cancellationType: ChildWorkflowCancellationType.ABANDON,
            args: [{ job_id, event, url, secret, payload }],
          });
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        }
      }),
    ),
  );
}
