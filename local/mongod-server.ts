import { totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Db,
  type Document,
  Long,
  MongoClient,
  type MongoClientOptions,
  MongoError,
  MongoServerError,
} from 'mongodb';
import { awaitListening, HOST } from './ports.ts';
import type { MongodSecrets } from './secrets.ts';
import type { Start } from './start-watch.ts';

/** Name of the replica set. It has one member; majority reads and change streams need a replica set. */
const REPLICA_SET = 'plimsoll';

const NOT_YET_INITIALIZED = 94;
const GIB = 2 ** 30;
/** By default mongod takes half of the memory, too much for a laptop. Reads also use the file cache. */
const LARGEST_CACHE_GB = 2;
const SMALLEST_CACHE_GB = 0.25;
const CACHE_SHARE = 0.15;
const OPLOG_MB = 1024;

/** The user that all programs of a stack are. */
const USER = 'plimsoll';

/** The arguments of `mongod`. With a key file it answers nobody without a password. */
export function mongodArguments(options: { dbPath: string; port: number; keyFile?: string | undefined }): string[] {
  const cacheGb = Math.min(LARGEST_CACHE_GB, Math.max(SMALLEST_CACHE_GB, (totalmem() / GIB) * CACHE_SHARE));
  return [
    ...['--replSet', REPLICA_SET],
    ...['--bind_ip', HOST],
    ...['--port', String(options.port)],
    ...['--dbpath', options.dbPath],
    ...(options.keyFile === undefined ? [] : ['--keyFile', options.keyFile]),
    ...['--wiredTigerCacheSizeGB', cacheGb.toFixed(2)],
    ...['--oplogSize', String(OPLOG_MB)],
    '--nounixsocket',
    '--quiet',
    ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
    // A killed worker's transaction blocks the next attempt for this long; the default is a minute.
    ...['--setParameter', 'transactionLifetimeLimitSeconds=10'],
    // A primary waits 15 s for a successor before it ends, but this set has no other member.
    ...['--setParameter', 'shutdownTimeoutMillisForSignaledShutdown=100'],
  ];
}

/**
 * The connection string, without `directConnection`: a driver that knows the set waits for its primary while mongod
 * restarts, whereas a direct connection fails writes.
 */
export function mongodbUri(port: number, secrets?: MongodSecrets): string {
  const set = `${HOST}:${port}/?replicaSet=${REPLICA_SET}`;
  return secrets === undefined ? `mongodb://${set}` : `mongodb://${USER}:${secrets.password}@${set}&authSource=admin`;
}

/** Advice if mongod refuses data of another release. It reads data of its own release and the previous one. */
export function adviseOnMongodLog(log: string): string | undefined {
  if (!/featureCompatibilityVersion|too recent to start up|WiredTiger file version/i.test(log)) return undefined;
  return 'The data was written by another release of mongod: name that one in PLIMSOLL_MONGOD_BINARY, or use another data folder.';
}

/**
 * Error codes of a server that reads its replica set's configuration or changes its state. They are temporary, however
 * long they take.
 */
const STILL_STARTING = new Set<unknown>([
  23, // AlreadyInitialized: the server had not read its configuration yet when it was asked for it.
  74, // NodeNotFound
  91, // ShutdownInProgress
  NOT_YET_INITIALIZED,
  109, // ConfigurationInProgress
  189, // PrimarySteppedDown
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11602, // InterruptedDueToReplStateChange
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
]);
/** Any other error is permanent if it is the answer this many times in a row. */
const MEANT_AFTER = 200;
const PAUSE_MS = 50;
/** The driver keeps connecting between two requests, so a short pause costs a slow server nothing. */
const ANSWER_WITHIN_MS = 2_000;

/**
 * Creates the replica set on the first start, renames its member after a change of port, and resolves when it accepts
 * writes and knows the user. Retries until the signal aborts: a server that does not answer is busy, and the start watch
 * notices a dead one.
 */
export async function awaitPrimary(
  port: number,
  secrets: MongodSecrets | undefined,
  { signal, waitsFor }: Start,
): Promise<void> {
  waitsFor(`port ${port} to accept connections`);
  await awaitListening(port, signal);
  waitsFor('its replica set to take writes');
  const client = new MongoClient(`mongodb://${HOST}:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: ANSWER_WITHIN_MS,
    ...(secrets === undefined ? {} : asMember(secrets)),
  });
  try {
    const admin = client.db('admin');
    let [refusal, times] = ['', 0];
    for (;;) {
      try {
        // In mongodb 7.8, a client whose first connection failed rejects every call with "Topology is closed" until
        // connect() is called.
        await client.connect();
        await ensureReplicaSet(admin, `${HOST}:${port}`, signal);
        await awaitWritable(admin, signal);
        if (secrets !== undefined) await ensureUser(admin, secrets, signal);
        return;
      } catch (error) {
        if (signal.aborted || !(error instanceof MongoError)) throw error;
        const meant = error instanceof MongoServerError && !STILL_STARTING.has(error.code);
        times = meant && error.message === refusal ? times + 1 : 1;
        refusal = error.message;
        if (meant && times === MEANT_AFTER) throw error;
        waitsFor(`its replica set to take writes (${refusal})`);
      }
      await delay(PAUSE_MS, undefined, { signal });
    }
  } finally {
    await client.close();
  }
}

/** Members of a set are its superuser, and prove it by the key. It needs no user that was made before. */
const asMember = ({ key }: MongodSecrets): MongoClientOptions => ({
  auth: { username: '__system', password: key },
  authSource: 'local',
  authMechanism: 'SCRAM-SHA-256',
});

/** Data may come from a start without passwords, or from one whose key is lost. */
async function ensureUser(admin: Db, { password }: MongodSecrets, signal: AbortSignal): Promise<void> {
  const user = { pwd: password, roles: ['root'], mechanisms: ['SCRAM-SHA-256'] };
  const { users } = await admin.command({ usersInfo: USER }, { signal });
  await admin.command(users.length === 0 ? { createUser: USER, ...user } : { updateUser: USER, ...user }, { signal });
}

async function ensureReplicaSet(admin: Db, host: string, signal: AbortSignal): Promise<void> {
  const config = await replicaSetConfig(admin, signal);
  if (!config) {
    await admin.command({ replSetInitiate: { _id: REPLICA_SET, members: [{ _id: 0, host }] } }, { signal });
    return;
  }
  if (config.members[0].host === host) return;
  const { term: _term, ...rest } = config;
  const moved = { ...rest, version: config.version + 1, members: [{ ...config.members[0], host }] };
  await admin.command({ replSetReconfig: moved, force: true }, { signal });
}

async function replicaSetConfig(admin: Db, signal: AbortSignal): Promise<Document | undefined> {
  try {
    return (await admin.command({ replSetGetConfig: 1 }, { signal })).config;
  } catch (error) {
    if ((error as { code?: unknown }).code === NOT_YET_INITIALIZED) return undefined;
    throw error;
  }
}

async function awaitWritable(admin: Db, signal: AbortSignal): Promise<void> {
  let hello = await admin.command({ hello: 1 }, { signal });
  while (!hello.isWritablePrimary) {
    // The server holds this request until its state changes, so no polling is needed.
    const { processId, counter } = hello.topologyVersion;
    const topologyVersion = { processId, counter: Long.fromNumber(Number(counter)) };
    hello = await admin.command({ hello: 1, topologyVersion, maxAwaitTimeMS: 500 }, { signal });
  }
}
