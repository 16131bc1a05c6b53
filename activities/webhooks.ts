import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { FailureCode } from '../contract/failures.ts';
import { UserError } from '../core/errors.ts';
import { noWebhooks, type WebhookConfig } from '../core/webhooks/config.ts';
import { createPlaces } from '../core/webhooks/places.ts';
import { busyDelayMs, parseRetryAfterMs, retryDelayMs } from '../core/webhooks/retry-delay.ts';
import { type Answer, sendWebhook } from '../core/webhooks/send.ts';

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
  /**
   * `gone`: the receiver answered 410, and wants to hear no more. `refused`: the job failed because this webhook is refused, and
   * there is nobody else to tell.
   */
  outcome: 'delivered' | 'gone' | 'refused';
  /** HTTP status of the answer; null where nothing was sent. */
  status: number | null;
}

export type WebhookActivities = ReturnType<typeof createWebhookActivities>;

export function createWebhookActivities({ webhooks = noWebhooks }: WebhookDependencies) {
  const places = createPlaces();

  return {
    /**
     * One try. Whatever is no success by the Standard Webhooks specification is tried again, at a time of its own choosing; so is
     * what the worker's settings refuse: they were in order when the job began, and may be in order again.
     */
    async sendWebhook({ webhook_id, url, secret, payload }: SendWebhookInput): Promise<WebhookDelivery> {
      const { info, cancellationSignal } = Context.current();
      const ageMs = () => Date.now() - info.scheduledTimestampMs;
      const { origin } = new URL(url);
      const leave = await places.take(url);
      if (leave === undefined) throw tryAgain('WebhooksBusy', 'Others are being sent.', busyDelayMs(ageMs()));
      let answer: Answer;
      try {
        answer = await sendWebhook(webhooks, { id: webhook_id, url, secret, payload }, cancellationSignal);
      } catch (error) {
        // A deploy is no fault of the receiver's: another worker goes on at once, not after a pause of hours.
        if (cancellationSignal.aborted) throw tryAgain('WorkerStopped', 'The worker has stopped.', 1000);
        if (!(error instanceof UserError)) throw error;
        if (REFUSALS.has(error.code) && failedForWebhooks(payload)) return { outcome: 'refused', status: null };
        throw tryAgain(error.code, error.message, retryDelayMs(ageMs()));
      } finally {
        leave();
      }
      const { status } = answer;
      if (status === null) {
        throw tryAgain('WebhookNotAnswered', `${origin} did not answer: ${answer.reason}.`, retryDelayMs(ageMs()));
      }
      if (status >= 200 && status < 300) return { outcome: 'delivered', status };
      if (status === 410) return { outcome: 'gone', status };
      const delayMs = retryDelayMs(ageMs(), parseRetryAfterMs(answer.retryAfter));
      throw tryAgain('WebhookNotAccepted', `${origin} answered ${status}.`, delayMs);
    },
  };
}

/** What is wrong with a webhook by itself. */
const REFUSALS: ReadonlySet<string> = new Set<FailureCode>(['WebhookTargetRefused', 'UnknownWebhookSecret']);

/** Whether a message says that its job failed as it began, for one of its webhooks. */
function failedForWebhooks({ type, data }: Record<string, unknown>): boolean {
  const { error } = data as { error?: { code: string } | null };
  return type === 'job.failed' && error != null && REFUSALS.has(error.code);
}

function tryAgain(type: FailureCode, message: string, delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nextRetryDelay: Math.round(delayMs) });
}
