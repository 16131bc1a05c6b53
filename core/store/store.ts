import {
  type ClientSession,
  type Collection,
  type Document,
  MongoBulkWriteError,
  MongoClient,
  MongoServerError,
  type OptionalUnlessRequiredId,
  ReadConcern,
} from 'mongodb';
import { UserError } from '../errors.ts';
import { bindCollections } from './collections.ts';

/**
 * Plimsoll's database. Its collections are known to core/store alone, a file for each, so that every query and the index
 * that serves it stand side by side.
 */
export interface Store {
  readonly client: MongoClient;
  /** The database's name. */
  readonly database: string;
  close(): Promise<void>;
}

/** The database used where the connection string names none. */
export const DEFAULT_DATABASE = 'plimsoll';

/** What Plimsoll's operations rely on. */
const REQUIRED_OPTIONS = {
  writeConcern: { w: 'majority' },
  readConcern: new ReadConcern('majority'),
  ignoreUndefined: true,
} as const;

export interface StoreOptions {
  /** How long to look for a server; 10 s if left out. */
  serverSelectionTimeoutMs?: number;
  /**
   * How often each server is asked how it is, and how long its answer may take; the driver's 10 s and 30 s if left out.
   * Operations on a server that hangs fail after that time.
   */
  heartbeatMs?: number;
}

/**
 * Connects lazily: the first operation fails with the driver's MongoServerSelectionError when nothing answers within
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

/** The same over a client that the caller owns, whatever its own options. `close` closes that client, too. */
export function storeOf(client: MongoClient): Store {
  const { databaseName } = client.db();
  const database = databaseName === 'test' ? DEFAULT_DATABASE : databaseName;
  const store: Store = { client, database, close: () => client.close() };
  bindCollections(store, client.db(database, REQUIRED_OPTIONS));
  return store;
}

/** @throws UserError ReplicaSetRequired when MongoDB is a standalone server: it has no transactions and no change streams. */
export async function requireReplicaSet(store: Store): Promise<void> {
  const hello = await store.client.db('admin').command({ hello: 1 });
  if (hello.setName !== undefined || hello.msg === 'isdbgrid') return;
  throw new UserError(
    'ReplicaSetRequired',
    'MongoDB runs as a standalone server. Plimsoll needs a replica set; one member is enough: start mongod with --replSet and run rs.initiate() once.',
  );
}

/** @throws the driver's errors where MongoDB does not answer */
export async function pingStore(store: Store): Promise<void> {
  await store.client.db('admin').command({ ping: 1 });
}

export async function serverVersion(store: Store): Promise<string> {
  return (await store.client.db('admin').command({ buildInfo: 1 })).version;
}

/** What the server says of its replica set. @throws MongoServerError where it runs on its own, or the user may not ask */
export async function replicaSetStatus(
  store: Store,
): Promise<{ set: string; members: { name: string; state: number; stateStr: string }[] }> {
  const { set, members } = await store.client.db('admin').command({ replSetGetStatus: 1 });
  return { set, members };
}

/** Runs `work` in a transaction, again where it conflicts with another. */
export async function inTransaction<T>(store: Store, work: (session: ClientSession) => Promise<T>): Promise<T> {
  return store.client.withSession((session) => session.withTransaction(() => work(session)));
}

/** MongoDB's code for a violated unique index. */
const DUPLICATE_KEY = 11000;

export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY;

/**
 * Inserts documents and returns those whose key was there already: an earlier attempt wrote them.
 * Any other failure is thrown.
 */
export async function insertNew<T extends Document>(
  collection: Collection<T>,
  documents: OptionalUnlessRequiredId<T>[],
): Promise<T[]> {
  if (documents.length === 0) return [];
  try {
    await collection.insertMany(documents, { ordered: false });
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const failures = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
    if (failures.length === 0 || failures.some((failure) => failure.code !== DUPLICATE_KEY)) throw error;
    return failures.map((failure) => documents[failure.index] as unknown as T);
  }
}
