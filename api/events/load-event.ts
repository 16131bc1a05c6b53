import type { Load } from '../schemas/loads.ts';
import { eventId, hashOf } from './event-id.ts';
import type { FeedEvent } from './feed.ts';

/** What of a status is news: rates and times left change by the clock alone. */
export function newsOf({ phases, ...load }: Load): string {
  const rest = Object.values(phases).map(({ rate: _rate, seconds_left: _left, ...phase }) => phase);
  return hashOf(JSON.stringify([load, rest]));
}

export function loadEvent(load: Load): FeedEvent {
  const [sent] = eventId('', Date.now()).split('.');
  return { name: 'load', id: `${sent}.${newsOf(load)}`, text: JSON.stringify(load) };
}
