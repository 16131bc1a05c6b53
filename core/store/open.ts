import { MongoClient, ReadConcern } from 'mongodb';
import { bindCollections } from './collections.ts';
import type { Store } from './store.ts';

/** The database to use if the connection string names none. */
export const DEFAULT_DATABASE = 'plimsoll';

/** Plimsoll's operations rely on these options. */
const REQUIRED_OPTIONS = {
  writeConcern: { w: 'majority' },
  readConcern: new ReadConcern('majority'),
  ignoreUndefined: true,
} as const;

/** Options of `openStore`. */
export interface StoreOptions {
  /** Time limit for finding a server, in milliseconds; 10 s by default. */
  serverSelectionTimeoutMs?: number;
  /**
   * The interval and the time limit of server checks, in milliseconds. The driver's defaults are 10 s and 30 s.
   * Operations on a hanging server fail after that time.
   */
  heartbeatMs?: number;
}

/**
 * Connects lazily. The first operation fails with the driver's MongoServerSelectionError if no server answers within
 * `serverSelectionTimeoutMs`.
 */
export function openStore(uri: string, { serverSelectionTimeoutMs = 10_000, heartbeatMs }: StoreOptions = {}): Store {
  const client = new MongoClient(uri, {
    ...REQUIRED_OPTIONS,
    appName: 'plimsoll',
    serverSelectionTimeoutMS: serverSelectionTimeoutMs,
    ...(heartbeatMs === undefined ? {} : { heartbeatFrequencyMS: heartbeatMs, connectTimeoutMS: heartbeatMs }),
  });
  return storeOf(client);
}

/** Opens a store over the caller's client, whatever its options. `close` also closes that client. */
export function storeOf(client: MongoClient): Store {
  const { databaseName } = client.db();
  const database = databaseName === 'test' ? DEFAULT_DATABASE : databaseName;
  const store: Store = { client, database, close: () => client.close() };
  bindCollections(store, client.db(database, REQUIRED_OPTIONS));
  return store;
}
