import type { LoadDatasetRequest } from '../../contract/inputs.ts';
import type { Output } from '../output.ts';
import type { ServerSettings } from '../servers.ts';
import { printable } from '../terminal/printable.ts';

/**
 * Refuses webhooks that the job would fail with. This works only for a local stack, whose workers' settings are known.
 * For other workers it only notes a doubtful address, by this machine's settings.
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
    import('../../core/webhooks/config.ts'),
    import('../../core/webhooks/target.ts'),
    import('../../core/webhooks/check.ts'),
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

/** The contract's default. */
const DEFAULT_SECRET = 'default';
