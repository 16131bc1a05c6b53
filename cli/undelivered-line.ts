import type { UndeliveredMessage } from '../client/undelivered.ts';
import { roundDuration } from './terminal/quantities.ts';

/** `job.failed to webhook 0: https://ops.example.com answered 500 (Internal Server Error). Attempt 4 in 2m.` */
export function undeliveredLine(message: UndeliveredMessage, now = new Date()): string {
  const { event, webhook, error } = message;
  const parts = [error?.message ?? '', nextWords(message, now)].filter((part) => part !== '');
  return `${event} to webhook ${webhook}: ${parts.join(' ')}`;
}

function nextWords({ state, attempt, next_attempt_at }: UndeliveredMessage, now: Date): string {
  if (state === 'failed') return 'Given up after 48 hours.';
  if (state === 'ended') return 'The delivery was ended on Temporal.';
  if (next_attempt_at === null) return attempt === null ? 'No attempt has begun.' : `Attempt ${attempt} is under way.`;
  return `Attempt ${attempt} in ${roundDuration(Math.max(0, (next_attempt_at.getTime() - now.getTime()) / 1000))}.`;
}
