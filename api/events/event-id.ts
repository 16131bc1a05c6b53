import { createHash } from 'node:crypto';

/** An event's ID: when it was sent, and a hash of what it said. So any process of ours can tell what a caller has seen. */
export interface EventId {
  sentMs: number;
  hash: string;
}

export function eventId(text: string, nowMs: number): string {
  return `${nowMs.toString(36)}.${hashOf(text)}`;
}

/** Undefined for what is no ID of ours: the caller is then told everything. */
export function parseEventId(id: string | undefined): EventId | undefined {
  const match = /^([0-9a-z]{1,10})\.([\w-]{12})$/.exec(id ?? '');
  return match === null ? undefined : { sentMs: Number.parseInt(match[1] as string, 36), hash: match[2] as string };
}

export const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url').slice(0, 12);
