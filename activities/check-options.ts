import type { EmbedWindow, Webhook } from '../contract/options.ts';
import { requireTimeZone } from '../core/embedding/embed-window.ts';
import { checkWebhooks } from '../core/webhooks/check.ts';
import type { WebhookConfig } from '../core/webhooks/config.ts';

/**
 * Checks the options that only a worker can check, before the job does anything.
 *
 * @throws UserError UnknownTimeZone, UnknownWebhookSecret, InvalidWebhookSecrets or WebhookTargetRefused
 */
export async function checkOptions(
  { embed_window, webhooks }: { embed_window?: EmbedWindow | undefined; webhooks: readonly Webhook[] },
  config: WebhookConfig | undefined,
): Promise<void> {
  if (embed_window !== undefined) requireTimeZone(embed_window.time_zone);
  await checkWebhooks(config, webhooks);
}
