import { Webhook as Signer } from 'standardwebhooks';
import { UserError } from '../errors.ts';
import { requireSecrets } from './check.ts';
import type { WebhookConfig } from './config.ts';
import { guardedLookup } from './guarded-lookup.ts';
import { whyNoAnswer } from './no-answer.ts';
import { checkTarget, targetOf } from './target.ts';

/** A webhook delivery. */
export interface WebhookMessage {
  /** Identical for every attempt. */
  id: string;
  url: string;
  /** Name of the signing secret. */
  secret: string;
  payload: Record<string, unknown>;
}

/** The result of one attempt: a response, or the reason why there is none. */
export type Answer = { status: number; retryAfter: string | null } | { status: null; reason: string };

/** The response body is discarded. Reading this much lets a well-behaved receiver close its connection cleanly. */
const BODY_LIMIT_BYTES = 16_384;
const BODY_LIMIT_MS = 1000;

/**
 * Signs a message and posts it, once. Redirects count as responses and are not followed, so none can lead to a
 * forbidden address. Each attempt opens its own connection, and checks every address as it connects.
 *
 * @throws UserError WebhookTargetRefused, UnknownWebhookSecret or InvalidWebhookSecrets
 */
export async function sendWebhook(
  config: WebhookConfig,
  message: WebhookMessage,
  signal: AbortSignal,
): Promise<Answer> {
  const secrets = await requireSecrets(config, message.secret);
  const target = targetOf(message.url);
  checkTarget(config.allow, target);
  const url = new URL(message.url);
  const body = JSON.stringify(message.payload);
  // A worker starts sooner without it, and many never send a webhook.
  const { Client } = await import('undici');
  const client = new Client(url.origin, {
    connect: { lookup: guardedLookup(config.allow, target, config.resolve), timeout: config.timeoutMs },
    allowH2: false,
    maxHeaderSize: BODY_LIMIT_BYTES,
  });
  try {
    const response = await client.request({
      method: 'POST',
      path: `${url.pathname}${url.search}`,
      headers: { 'content-type': 'application/json', 'user-agent': 'plimsoll', ...sign(secrets, message.id, body) },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(config.timeoutMs)]),
    });
    await response.body.dump({ limit: BODY_LIMIT_BYTES, signal: AbortSignal.timeout(BODY_LIMIT_MS) }).catch(() => {});
    const retryAfter = response.headers['retry-after'];
    return { status: response.statusCode, retryAfter: typeof retryAfter === 'string' ? retryAfter : null };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UserError) throw error;
    return { status: null, reason: whyNoAnswer(error, config.timeoutMs) };
  } finally {
    await client.destroy();
  }
}

function sign(secrets: string[], id: string, body: string) {
  const now = new Date();
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Signer(secret).sign(id, now, body)).join(' '),
  };
}
