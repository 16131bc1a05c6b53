import {
  type ClientSession,
  type Collection,
  type Document,
  MongoBulkWriteError,
  type MongoClient,
  MongoServerError,
  type OptionalUnlessRequiredId,
} from 'mongodb';
import { UserError } from '../errors.ts';

/**
 * Plimsoll's database. Only core/store knows its collections, one file for each, so every query stands beside the index
 * that serves it.
 */
export interface Store {
  readonly client: MongoClient;
  /** The database's name. */
  readonly database: string;
  close(): Promise<void>;
}

/**
 * Checks that MongoDB is a replica set.
 *
 * @throws UserError ReplicaSetRequired when it is a standalone server, which has no transactions and no change streams.
 */
export async function requireReplicaSet(store: Store): Promise<void> {
  const hello = await store.client.db('admin').command({ hello: 1 });
  if (hello.setName !== undefined || hello.msg === 'isdbgrid') return;
  throw new UserError(
    'ReplicaSetRequired',
    'MongoDB runs as a standalone server. Plimsoll needs a replica set; one member is enough: ' +
      'start mongod with --replSet and run rs.initiate() once.',
  );
}

/**
 * Checks that MongoDB answers.
 *
 * @throws the driver's error when MongoDB does not answer
 */
export async function pingStore(store: Store): Promise<void> {
  await store.client.db('admin').command({ ping: 1 });
}

/** The version of the MongoDB server. */
export async function serverVersion(store: Store): Promise<string> {
  return (await store.client.db('admin').command({ buildInfo: 1 })).version;
}

/**
 * The server's replica set status.
 *
 * @throws MongoServerError when the server is standalone, or the user may not ask.
 */
export async function replicaSetStatus(
  store: Store,
): Promise<{ set: string; members: { name: string; state: number; stateStr: string }[] }> {
  const { set, members } = await store.client.db('admin').command({ replSetGetStatus: 1 });
  return { set, members };
}

/** Runs `work` in a transaction, and again if it conflicts with another transaction. */
export async function inTransaction<T>(store: Store, work: (session: ClientSession) => Promise<T>): Promise<T> {
  return store.client.withSession((session) => session.withTransaction(() => work(session)));
}

/** MongoDB's code for a violated unique index. */
const DUPLICATE_KEY = 11000;

/** Whether an error is a violation of a unique index. */
export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY;

/**
 * Inserts documents and returns those whose key existed already, because an earlier attempt wrote them. Throws any
 * other failure.
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
