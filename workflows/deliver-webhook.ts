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
 * The activity says itself when to be tried again; the policy is for tries that end without a word, as with their worker. It
 * does not grow: attempts are no measure of a delivery's age, as one that finds its worker busy is one, too.
 */
const { sendWebhook } = proxyActivities<WebhookActivities>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '48 hours',
  retry: { initialInterval: '5 seconds', backoffCoefficient: 1 },
});

/**
 * Tells one receiver of one event, however often that takes within 48 hours. Abandoned by the load that starts it, so that a
 * receiver that is down holds nothing up. Fails when the time is up, with the reason of the last try in the message.
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

/** The same for every try and every receiver of an event. A dot would be a separator in what is signed. */
const webhookId = (jobId: string, event: WebhookEvent) => `${jobId}_${event.replaceAll('.', '-')}`;
