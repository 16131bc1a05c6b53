import type { UndeliveredMessage } from '../../client/undelivered.ts';
import { FAILURES, isFailureCode } from '../../contract/failures.ts';
import type { WebhookDeliveries } from '../schemas/jobs.ts';
import type { Scope } from '../schemas/server.ts';

/** Presents a message that was not delivered. A reason may name an address of the network, which read scope hides. */
export function presentUndelivered(
  { error, next_attempt_at, ...message }: UndeliveredMessage,
  scope: Scope,
): WebhookDeliveries['messages'][number] {
  const words = (code: string) => (isFailureCode(code) ? FAILURES[code].meaning : '');
  return {
    ...message,
    next_attempt_at: next_attempt_at?.toISOString() ?? null,
    error: error === null || scope === 'operate' ? error : { code: error.code, message: words(error.code) },
  };
}
