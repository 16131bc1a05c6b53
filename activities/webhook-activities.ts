import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { noWebhooks, type WebhookConfig } from '../core/webhooks/config.ts';
import { parseRetryAfterMs, retryDelayMs } from '../core/webhooks/retry-delay.ts';
import { sendWebhook } from '../core/webhooks/send.ts';
import { withUserFailures } from './user-failures.ts';

/**
 * Tries that may wait for an answer at a time, in one worker. A receiver that never answers holds one of the worker's slots for
 * the whole timeout; the loads' own work must find others free.
 */
const TRIES_AT_ONCE = 2;

export interface WebhookDependencies {
  /** Without it, a load that asks for a webhook is refused. */
  webhooks?: WebhookConfig;
}

export interface SendWebhookInput {
  /** The header webhook-id: the same for every try. */
  webhook_id: string;
  url: string;
  /** Name of the signing secret. */
  secret: string;
  payload: Record<string, unknown>;
}

export interface WebhookDelivery {
  /** `gone`: the receiver answered 410, and wants to hear no more. */
  outcome: 'delivered' | 'gone';
  /** HTTP status of the answer. */
  status: number;
}

export type WebhookActivities = ReturnType<typeof createWebhookActivities>;

export function createWebhookActivities({ webhooks = noWebhooks }: WebhookDependencies) {
  let underWay = 0;

  return withUserFailures({
    /** One try. Whatever is no success by the Standard Webhooks specification is tried again, at a time of its own choosing. */
    async sendWebhook({ webhook_id, url, secret, payload }: SendWebhookInput): Promise<WebhookDelivery> {
      if (underWay >= TRIES_AT_ONCE)
        throw tryAgain('WebhooksBusy', 'Others are being sent.', 1000 + 1000 * Math.random());
      underWay += 1;
      try {
        const { info, cancellationSignal } = Context.current();
        const message = { id: webhook_id, url, secret, payload };
        const answer = await sendWebhook(webhooks, message, cancellationSignal).catch((error: unknown) => {
          // A deploy is no fault of the receiver's: another worker goes on at once, not after a pause of hours.
          throw cancellationSignal.aborted ? tryAgain('WorkerStopped', 'The worker has stopped.', 1000) : error;
        });
        if (answer.status !== null && answer.status >= 200 && answer.status < 300) {
          return { outcome: 'delivered', status: answer.status };
        }
        if (answer.status === 410) return { outcome: 'gone', status: 410 };
        const ageMs = Date.now() - info.scheduledTimestampMs;
        const { origin } = new URL(url);
        if (answer.status === null) {
          throw tryAgain('WebhookNotAnswered', `${origin} did not answer: ${answer.reason}.`, retryDelayMs(ageMs));
        }
        const delayMs = retryDelayMs(ageMs, parseRetryAfterMs(answer.retryAfter));
        throw tryAgain('WebhookNotAccepted', `${origin} answered ${answer.status}.`, delayMs);
      } finally {
        underWay -= 1;
      }
    },
  });
}

function tryAgain(type: string, message: string, delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nextRetryDelay: Math.round(delayMs) });
}
