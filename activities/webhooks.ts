import { STATUS_CODES } from 'node:http';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { FailureCode } from '../contract/failures.ts';
import { UserError } from '../core/errors.ts';
import { noWebhooks, type WebhookConfig } from '../core/webhooks/config.ts';
import { createPlaces } from '../core/webhooks/places.ts';
import { busyDelayMs, parseRetryAfterMs, retryDelayMs } from '../core/webhooks/retry-delay.ts';
import { type Answer, sendWebhook } from '../core/webhooks/send.ts';

export interface WebhookDependencies {
  /** If omitted, every delivery is refused. */
  webhooks?: WebhookConfig;
}

export interface SendWebhookInput {
  /** The header webhook-id, the same for every attempt. */
  webhook_id: string;
  url: string;
  /** Name of the signing secret. */
  secret: string;
  payload: Record<string, unknown>;
}

export interface WebhookDelivery {
  /**
   * `gone`: the receiver answered 410 and wants no more messages. `refused`: the message says that the job failed
   * because a webhook is refused, so no attempt can succeed.
   */
  outcome: 'delivered' | 'gone' | 'refused';
  /** HTTP status of the answer; null if nothing was sent. */
  status: number | null;
}

export type WebhookActivities = ReturnType<typeof createWebhookActivities>;

/** Creates the activity that delivers webhooks. */
export function createWebhookActivities({ webhooks = noWebhooks }: WebhookDependencies) {
  const places = createPlaces();

  return {
    /**
     * Makes one attempt to deliver a webhook. An answer that is no success by the Standard Webhooks specification is
     * retried after a delay that the failure names. A refusal by the worker's settings is retried too: the settings
     * allowed the webhook when the job began, and may allow it again.
     *
     * @throws ApplicationFailure with `nextRetryDelay`
     */
    async sendWebhook({ webhook_id, url, secret, payload }: SendWebhookInput): Promise<WebhookDelivery> {
      const { info, cancellationSignal } = Context.current();
      const ageMs = () => Date.now() - info.scheduledTimestampMs;
      const { origin } = new URL(url);
      const release = await places.take(url);
      if (release === undefined) throw tryAgain('WebhooksBusy', 'Others are being sent.', busyDelayMs(ageMs()));
      let answer: Answer;
      try {
        answer = await sendWebhook(webhooks, { id: webhook_id, url, secret, payload }, cancellationSignal);
      } catch (error) {
        // A deploy is not the receiver's fault, so another worker sends again at once instead of hours later.
        if (cancellationSignal.aborted) throw tryAgain('WorkerStopped', 'The worker has stopped.', 1000);
        if (!(error instanceof UserError)) throw error;
        if (REFUSALS.has(error.code) && failedForWebhooks(payload)) return { outcome: 'refused', status: null };
        throw tryAgain(error.code, error.message, retryDelayMs(ageMs()));
      } finally {
        release();
      }
      const { status } = answer;
      if (status === null) {
        throw tryAgain('WebhookNotAnswered', `${origin} did not answer: ${answer.reason}.`, retryDelayMs(ageMs()));
      }
      if (status >= 200 && status < 300) return { outcome: 'delivered', status };
      if (status === 410) return { outcome: 'gone', status };
      const delayMs = retryDelayMs(ageMs(), parseRetryAfterMs(answer.retryAfter));
      throw tryAgain('WebhookNotAccepted', `${origin} answered ${wordsOf(status)}.`, delayMs);
    },
  };
}

/** `404 (Not Found)` */
function wordsOf(status: number): string {
  if (status >= 300 && status < 400) return `${status}, a redirect, and those are not followed`;
  const words = STATUS_CODES[status];
  return words === undefined ? String(status) : `${status} (${words})`;
}

/** Codes that refuse the webhook itself. */
const REFUSALS: ReadonlySet<string> = new Set<FailureCode>(['WebhookTargetRefused', 'UnknownWebhookSecret']);

/** Whether a message says that its job failed at its start because a webhook was refused. */
function failedForWebhooks({ type, data }: Record<string, unknown>): boolean {
  const { error } = data as { error?: { code: string } | null };
  return type === 'job.failed' && error != null && REFUSALS.has(error.code);
}

/** A failure that Temporal retries after the delay. */
function tryAgain(type: FailureCode, message: string, delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nextRetryDelay: Math.round(delayMs) });
}
