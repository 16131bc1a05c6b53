import type { LoadDatasetRequest } from '../contract/inputs.ts';
import type { Output } from './output.ts';
import { printable } from './printable.ts';
import type { ServerSettings } from './servers.ts';

/**
 * Says at once what the job would fail with, where the workers are those of a local stack, whose settings are known. Elsewhere only
 * the workers know what they may post to, so it is no refusal; their setting counts where this machine has it, too.
 *
 * @throws UserError UnknownWebhookSecret, InvalidWebhookSecrets or WebhookTargetRefused
 */
export async function checkWebhooks(
  webhooks: LoadDatasetRequest['webhooks'],
  { webhookEnv }: Pick<ServerSettings, 'webhookEnv'>,
  { note }: Pick<Output, 'note'>,
): Promise<void> {
  if (webhooks === undefined) return;
  const [{ webhooksFromEnvironment }, { checkTarget, targetOf, WebhookTargetRefused }, core] = await Promise.all([
    import('../core/webhooks/config.ts'),
    import('../core/webhooks/target.ts'),
    import('../core/webhooks/check.ts'),
  ]);
  const config = webhooksFromEnvironment(webhookEnv);
  if (webhookEnv !== undefined) {
    const named = webhooks.map(({ url, secret = DEFAULT_SECRET }) => ({ url, secret }));
    return core.checkWebhooks(config, named);
  }
  for (const { url } of webhooks) {
    try {
      checkTarget(config.allow, targetOf(url));
    } catch (error) {
      if (!(error instanceof WebhookTargetRefused)) throw error;
      const { address, why, allow } = error;
      note(`note: ${printable(address)} ${why}; the job works only if its worker allows it (${allow}).`);
    }
  }
}

/** The contract's. */
const DEFAULT_SECRET = 'default';
