import { UserError } from '../../core/errors.ts';
import { type Connection, openConnection, type RefusedRequest } from '../download/connection.ts';
import type { HubSettings } from './hub-settings.ts';

/** A connection to the hub. It throws UserError UnknownModel, HubRefused or HubAnswerInvalid for what the hub refuses. */
export interface HubConnection extends Connection {
  endpoint: string;
}

/** Opens a connection to the hub. The token goes to the origin of the endpoint only. */
export function openHub({ endpoint, token }: HubSettings, env: NodeJS.ProcessEnv): HubConnection {
  const { origin } = new URL(endpoint);
  const credentials = token === undefined ? undefined : { origin, authorization: `Bearer ${token}` };
  const refusal = (refused: RefusedRequest) => refusalOf(refused, token !== undefined);
  return { endpoint, ...openConnection({ env, credentials, refusal }) };
}

function refusalOf({ said, status, header }: RefusedRequest, hasToken: boolean): Error {
  if (status === undefined) return new UserError('HubAnswerInvalid', `${said}.`);
  const advice = hasToken
    ? 'HF_TOKEN does not suffice if the repository is private, or if the model asks for consent: give it on its page.'
    : 'Set HF_TOKEN if the repository is private, or if the model asks for consent.';
  // The hub answers so too for a private repository, to a caller who may not know that it exists.
  const hidden = header('x-error-code');
  if (status === 404 || hidden === 'RepoNotFound')
    return new UserError(
      'UnknownModel',
      `${said}: the hub has no such repository, revision or file. Check the name. ${advice}`,
    );
  if (status === 401 || status === 403)
    return new UserError('HubRefused', `${said}: the hub refuses this. Check the name. ${advice}`);
  return new UserError('HubAnswerInvalid', `${said}, which no hub does. Check HF_ENDPOINT.`);
}
