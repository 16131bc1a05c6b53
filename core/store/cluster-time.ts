/** All that was written since a search last looked, by the server's cluster time. */
import { type ClientSession, ReadConcern, Timestamp } from 'mongodb';
import { collectionsOf } from './collections.ts';
import type { Store } from './store.ts';

/** A moment of the server's cluster time, in seconds. */
export type ClusterTime = number;

/**
 * A write may show later than one with a later time: by as long as a batch takes to be stored. Older writes of this many
 * seconds are looked at again, by each search: a thousand of them take about ten milliseconds.
 */
const LATE_WRITES_S = 10;

/** Reads what the primary has, acknowledged by a majority or not: each hit is read again before it is given out. */
export const LOCAL = new ReadConcern('local');

/** The number of a sample whose vector or words were written, and the time of that write as a string. */
export interface Write {
  seq: number;
  written: string;
}

/** Reads something, and the cluster time of that read. Undefined if the server tells none. */
export async function readAt<T>(
  store: Store,
  read: (session: ClientSession) => Promise<T>,
): Promise<{ found: T; at: ClusterTime | undefined }> {
  return store.client.withSession(async (session) => {
    const found = await read(session);
    return { found, at: session.operationTime?.getHighBits() };
  });
}

/** The cluster time now. What is written from here on is found by `writtenSince`. */
export async function clusterTime(store: Store): Promise<ClusterTime> {
  const { at } = await readAt(store, (session) =>
    collectionsOf(store).meta.findOne({ _id: 'schema' }, { session, readConcern: LOCAL }),
  );
  return at ?? 0;
}

const lookedAtAgain = (since: ClusterTime): ClusterTime => since - LATE_WRITES_S;

/** The condition for what was written since a time, and in the ten seconds before. */
export const writtenSince = (since: ClusterTime) => ({
  $gte: new Timestamp({ t: Math.max(0, lookedAtAgain(since)), i: 0 }),
});

/** Whether `writtenSince` that time finds this write. */
export const isWrittenSince = (written: Timestamp, since: ClusterTime): boolean =>
  written.getHighBits() >= lookedAtAgain(since);
