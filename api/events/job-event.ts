import type { Job } from '../schemas/jobs.ts';
import { eventId, hashOf } from './event-id.ts';
import type { FeedEvent } from './feed.ts';

/** The part of a status that makes an event: rates and remaining times change with the clock alone. */
export function newsOf({ phases, ...job }: Job): string {
  const rest = Object.values(phases).map(({ rate: _rate, seconds_left: _left, ...phase }) => phase);
  return hashOf(JSON.stringify([job, rest]));
}

export function jobEvent(job: Job): FeedEvent {
  const [sent] = eventId('', Date.now()).split('.');
  return { name: 'job', id: `${sent}.${newsOf(job)}`, text: JSON.stringify(job) };
}
