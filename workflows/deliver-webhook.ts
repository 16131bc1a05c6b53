import { proxyActivities } from '@temporalio/workflow';
import type { WebhookActivities, WebhookDelivery } from '../activities/webhooks.ts';
import type { WebhookEvent } from '../contract/options.ts';
import type { WebhookPayload } from '../contract/webhook-payload.ts';
import { toFailure } from './failures.ts';

export interface DeliverWebhookInput {
  job_id: string;
  event: WebhookEvent;
  url: string;
  /** Name of the signing secret in the worker's configuration. */
  secret: string;
  payload: WebhookPayload;
}

/**
 * The activity names the delay of its next attempt. This policy covers attempts that end without one, for example when
 * their worker dies. The interval does not grow: an attempt that finds its worker busy counts too, so the number of
 * attempts does not measure the age of a delivery.
 */
const { sendWebhook } = proxyActivities<WebhookActivities>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '48 hours',
  retry: { initialInterval: '5 seconds', backoffCoefficient: 1 },
});

/**
 * Delivers one event to one receiver, with as many attempts as fit in 48 hours. The job abandons the delivery that it
 * starts, so a receiver that is down delays nothing. After 48 hours it fails with the reason of the last attempt.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under deliverWebhook.
 */
export async function deliverWebhook({
  job_id,
  event,
  url,
  secret,
  payload,
}: DeliverWebhookInput): Promise<WebhookDelivery> {
  try {
    return await sendWebhook({ webhook_id: webhookId(job_id, event), url, secret, payload: { ...payload } });
  } catch (error) {
    throw toFailure(error);
  }
}

/**
 * Every attempt and every receiver of an event gets the same ID. It has no dot, which separates parts of a signature.
 */
const webhookId = (jobId: string, event: WebhookEvent) => `${jobId}_${event.replaceAll('.', '-')}`;
