import { UserError } from '../../core/errors.ts';

/** The hub that models come from. */
export interface HubSettings {
  /** Without a slash at its end. */
  endpoint: string;
  /** Sent to the endpoint, and to no other origin. */
  token: string | undefined;
}

const PUBLIC_HUB = 'https://huggingface.co';

/**
 * Reads HF_ENDPOINT (the hub, or a mirror of it) and HF_TOKEN.
 *
 * @throws UserError InvalidSetting
 */
export function hubSettingsFrom(env: NodeJS.ProcessEnv): HubSettings {
  const endpoint = (env.HF_ENDPOINT || PUBLIC_HUB).replace(/\/+$/, '');
  const url = URL.parse(endpoint);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw new UserError(
      'InvalidSetting',
      `HF_ENDPOINT is "${endpoint}"; the address of a hub is expected, such as ${PUBLIC_HUB}`,
    );
  if (url.username !== '' || url.password !== '')
    throw new UserError('InvalidSetting', 'HF_ENDPOINT contains a user name or a password. Set HF_TOKEN instead.');
  const token = env.HF_TOKEN?.trim() || undefined;
  // A header can't hold other characters. The message must not show the token.
  if (token !== undefined && !/^[!-~]+$/.test(token))
    throw new UserError('InvalidSetting', 'HF_TOKEN contains characters that no token has.');
  return { endpoint, token };
}
