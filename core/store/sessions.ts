import { collectionsOf } from './collections.ts';
import type { SessionDocument } from './documents.ts';
import type { Store } from './store.ts';

/** Stores a session of the page. MongoDB removes it some time after it has expired. */
export async function beginSession(store: Store, session: SessionDocument): Promise<void> {
  await collectionsOf(store).sessions.insertOne(session);
}

/** The hash of a session's token; undefined if the session is unknown, has ended or has expired. */
export async function tokenOfSession(store: Store, id: string): Promise<string | undefined> {
  const session = await collectionsOf(store).sessions.findOne({ _id: id, expires_at: { $gt: new Date() } });
  return session?.token;
}

/** Ends a session. Does nothing if it is unknown. */
export async function endSession(store: Store, id: string): Promise<void> {
  await collectionsOf(store).sessions.deleteOne({ _id: id });
}
