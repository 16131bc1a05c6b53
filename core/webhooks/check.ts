import { UserError } from '../errors.ts';
import { noWebhooks, type WebhookConfig } from './config.ts';
import { checkTarget, targetOf } from './target.ts';

/**
 * Refuses webhooks that could never be delivered, before their job begins. Makes no DNS query, because a slow name
 * server must not delay the job.
 *
 * @throws UserError UnknownWebhookSecret, InvalidWebhookSecrets or WebhookTargetRefused
 */
export async function checkWebhooks(
  config: WebhookConfig | undefined,
  webhooks: readonly { url: string; secret: string }[],
): Promise<void> {
  const { allow } = config ?? noWebhooks;
  for (const { url, secret } of webhooks) {
    checkTarget(allow, targetOf(url));
    await requireSecrets(config, secret);
  }
}

/**
 * The signing secrets with this name.
 *
 * @throws UserError UnknownWebhookSecret or InvalidWebhookSecrets
 */
export async function requireSecrets(config: WebhookConfig | undefined, name: string): Promise<string[]> {
  const secrets = await (config ?? noWebhooks).secrets(name);
  if (secrets !== undefined) return secrets;
  throw new UserError(
    'UnknownWebhookSecret',
    `webhooks: the worker knows no signing secret "${name}". ` +
      `Add it to the JSON file that the worker's PLIMSOLL_WEBHOOK_SECRETS names, as in {"${name}": "whsec_…"}.`,
  );
}
