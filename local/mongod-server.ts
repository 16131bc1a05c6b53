import { totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Db, type Document, Long, MongoClient, MongoError } from 'mongodb';
import { awaitListening, HOST } from './ports.ts';

/** The replica set of one: majority reads and change streams need a replica set. */
const REPLICA_SET = 'plimsoll';

const NOT_YET_INITIALIZED = 94;
const GIB = 2 ** 30;
/** mongod would take half of the memory; a laptop has other work to do, and reads go through the file cache as well. */
const LARGEST_CACHE_GB = 2;
const SMALLEST_CACHE_GB = 0.25;
const CACHE_SHARE = 0.15;
const OPLOG_MB = 1024;

/** The arguments of `mongod`. */
export function mongodArguments(options: { dbPath: string; port: number }): string[] {
  const cacheGb = Math.min(LARGEST_CACHE_GB, Math.max(SMALLEST_CACHE_GB, (totalmem() / GIB) * CACHE_SHARE));
  return [
    ...['--replSet', REPLICA_SET],
    ...['--bind_ip', HOST],
    ...['--port', String(options.port)],
    ...['--dbpath', options.dbPath],
    ...['--wiredTigerCacheSizeGB', cacheGb.toFixed(2)],
    ...['--oplogSize', String(OPLOG_MB)],
    '--nounixsocket',
    '--quiet',
    ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
    // The transaction of a worker that was killed stays open for this long, in place of a minute, and holds up who goes on.
    ...['--setParameter', 'transactionLifetimeLimitSeconds=10'],
    // A primary waits 15 s for a successor before it ends; this set has none.
    ...['--setParameter', 'shutdownTimeoutMillisForSignaledShutdown=100'],
  ];
}

/**
 * The connection string. Without `directConnection`: a driver that knows the set waits for its primary while mongod
 * restarts, one with a direct connection fails writes meanwhile.
 */
export function mongodbUri(port: number): string {
  return `mongodb://${HOST}:${port}/?replicaSet=${REPLICA_SET}`;
}

/** Says what to do where mongod refuses data of another release; it reads its own and the one before. */
export function adviseOnMongodLog(log: string): string | undefined {
  if (!/featureCompatibilityVersion|too recent to start up|WiredTiger file version/i.test(log)) return undefined;
  return 'The data was written by another release of mongod: name that one in PLIMSOLL_MONGOD_BINARY, or use another data folder.';
}

/**
 * A server that listens may still be reading its replica set's configuration, or changing its state, and then answers as if it
 * had none, refuses, or closes the connection. Nothing tells when that is over; an answer that stays the same for this long is meant.
 */
const SETTLING_MS = 10_000;
const SETTLING_PAUSE_MS = 50;

/** Makes the replica set on the first start, renames its member after a change of port, and resolves when it takes writes. */
export async function awaitPrimary(port: number, signal: AbortSignal): Promise<void> {
  await awaitListening(port, signal);
  const client = new MongoClient(`mongodb://${HOST}:${port}/?directConnection=true`);
  try {
    const admin = client.db('admin');
    const settledByMs = performance.now() + SETTLING_MS;
    for (;;) {
      try {
        await ensureReplicaSet(admin, `${HOST}:${port}`);
        return await awaitWritable(admin, signal);
      } catch (error) {
        const refused = error instanceof MongoError && performance.now() < settledByMs;
        if (!refused || signal.aborted) throw error;
        await delay(SETTLING_PAUSE_MS);
      }
    }
  } finally {
    await client.close();
  }
}

async function ensureReplicaSet(admin: Db, host: string): Promise<void> {
  const config = await replicaSetConfig(admin);
  if (!config) {
    await admin.command({ replSetInitiate: { _id: REPLICA_SET, members: [{ _id: 0, host }] } });
    return;
  }
  if (config.members[0].host === host) return;
  const { term: _term, ...rest } = config;
  const moved = { ...rest, version: config.version + 1, members: [{ ...config.members[0], host }] };
  await admin.command({ replSetReconfig: moved, force: true });
}

async function replicaSetConfig(admin: Db): Promise<Document | undefined> {
  try {
    return (await admin.command({ replSetGetConfig: 1 })).config;
  } catch (error) {
    if ((error as { code?: unknown }).code === NOT_YET_INITIALIZED) return undefined;
    throw error;
  }
}

async function awaitWritable(admin: Db, signal: AbortSignal): Promise<void> {
  let hello = await admin.command({ hello: 1 });
  while (!hello.isWritablePrimary) {
    signal.throwIfAborted();
    // Answered as soon as the state changes: the server does the waiting.
    const { processId, counter } = hello.topologyVersion;
    const topologyVersion = { processId, counter: Long.fromNumber(Number(counter)) };
    hello = await admin.command({ hello: 1, topologyVersion, maxAwaitTimeMS: 500 });
  }
}
