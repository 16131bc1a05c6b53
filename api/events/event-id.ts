import { createHash } from 'node:crypto';

/** Event IDs hold the time of sending and a hash of the content, so any API process can tell what a caller has seen. */
export interface EventId {
  sentMs: number;
  hash: string;
}

export function eventId(text: string, nowMs: number): string {
  return `${nowMs.toString(36)}.${hashOf(text)}`;
}

/** Parses an event ID; undefined for an unknown format, after which the caller is sent everything. */
export function parseEventId(id: string | undefined): EventId | undefined {
  const match = /^([0-9a-z]{1,10})\.([\w-]{12})$/.exec(id ?? '');
  return match === null ? undefined : { sentMs: Number.parseInt(match[1] as string, 36), hash: match[2] as string };
}

export const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url').slice(0, 12);
