import { type AllowList, nothingAllowed, parseAllowList } from './allow-list.ts';
import { type Resolve, systemResolve } from './guarded-lookup.ts';
import { noSecrets, type SecretReader, secretsFromFile } from './secrets.ts';

/** The operator's webhook settings for a worker. */
export interface WebhookConfig {
  secrets: SecretReader;
  allow: AllowList;
  resolve: Resolve;
  /** Time limit from the first DNS query to the status line of the response. */
  timeoutMs: number;
}

/** No secrets and an empty allow list: jobs with a webhook are refused. */
export const noWebhooks: WebhookConfig = {
  secrets: noSecrets,
  allow: nothingAllowed,
  resolve: systemResolve,
  timeoutMs: 15_000,
};

/**
 * Reads PLIMSOLL_WEBHOOK_SECRETS (a JSON file of secrets by name) and PLIMSOLL_WEBHOOK_ALLOW (hosts and ranges).
 *
 * @throws UserError InvalidSetting
 */
export function webhooksFromEnvironment(env: NodeJS.ProcessEnv = process.env): WebhookConfig {
  const { PLIMSOLL_WEBHOOK_SECRETS: file, PLIMSOLL_WEBHOOK_ALLOW: allow } = env;
  return {
    ...noWebhooks,
    ...(file ? { secrets: secretsFromFile(file) } : {}),
    ...(allow ? { allow: parseAllowList(allow) } : {}),
  };
}
