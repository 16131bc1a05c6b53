import {
  type Collection,
  type Document,
  MongoBulkWriteError,
  MongoClient,
  type OptionalUnlessRequiredId,
  ReadConcern,
} from 'mongodb';
import { UserError } from '../errors.ts';
import type {
  DatasetDocument,
  EmbeddingDocument,
  JobDocument,
  LimitDocument,
  PageDocument,
  ProgressDocument,
  SampleDocument,
} from './documents.ts';

/** Plimsoll's collections in one MongoDB database, and the client they came from. */
export interface Store {
  client: MongoClient;
  datasets: Collection<DatasetDocument>;
  samples: Collection<SampleDocument>;
  embeddings: Collection<EmbeddingDocument>;
  jobs: Collection<JobDocument>;
  progress: Collection<ProgressDocument>;
  pages: Collection<PageDocument>;
  limits: Collection<LimitDocument>;
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
  /** Within which a server must be found: 10 s if left out. */
  serverSelectionTimeoutMs?: number;
  /**
   * How often each server is asked how it is, and how long its answer may take; the driver's 10 and 30 s if left out. What one that
   * hangs has not answered by then fails.
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

/** The same over a client that the caller owns, whatever its own options; `close` then closes that client too. */
export function storeOf(client: MongoClient): Store {
  const { databaseName } = client.db();
  const db = client.db(databaseName === 'test' ? DEFAULT_DATABASE : databaseName, REQUIRED_OPTIONS);
  return {
    client,
    datasets: db.collection('datasets'),
    samples: db.collection('samples'),
    embeddings: db.collection('embeddings'),
    jobs: db.collection('jobs'),
    progress: db.collection('progress'),
    pages: db.collection('pages'),
    limits: db.collection('limits'),
    close: () => client.close(),
  };
}

/** @throws UserError ReplicaSetRequired when MongoDB is a standalone server, which knows neither transactions nor change streams. */
export async function requireReplicaSet(store: Store): Promise<void> {
  const hello = await store.client.db('admin').command({ hello: 1 });
  if (hello.setName !== undefined || hello.msg === 'isdbgrid') return;
  throw new UserError(
    'ReplicaSetRequired',
    'MongoDB runs as a standalone server. Plimsoll needs a replica set; one member is enough: start mongod with --replSet and run rs.initiate() once.',
  );
}

/** Creates every index that the queries here rely on. Safe to run at each start, and from several processes at once. */
export async function ensureIndexes(store: Store): Promise<void> {
  await Promise.all([
    store.samples.createIndexes([
      { key: { dataset_id: 1, filepath: 1 }, unique: true },
      { key: { dataset_id: 1, seq: 1 }, unique: true },
      { key: { dataset_id: 1, status: 1, seq: 1 } },
      { key: { dataset_id: 1, tags: 1, seq: 1 } },
      { key: { dataset_id: 1, 'metadata.format': 1, seq: 1 } },
      { key: { dataset_id: 1, seq: 1 }, name: 'errors', partialFilterExpression: { error: { $exists: true } } },
    ]),
    store.embeddings.createIndexes([{ key: { dataset_id: 1, model_key: 1, seq: 1 }, unique: true }]),
    store.jobs.createIndexes([
      { key: { started_at: -1, _id: -1 } },
      { key: { dataset_id: 1, started_at: -1, _id: -1 } },
      { key: { state: 1, started_at: -1, _id: -1 } },
      { key: { kind: 1, started_at: -1, _id: -1 } },
    ]),
    store.progress.createIndexes([{ key: { job_id: 1, phase: 1 } }]),
    store.pages.createIndexes([{ key: { job_id: 1, n: 1 }, unique: true }]),
  ]);
}

/** MongoDB's code for a violated unique index. */
export const DUPLICATE_KEY = 11000;

/**
 * Inserts documents and returns those whose key was there already: written by an attempt that did not live to tell.
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
