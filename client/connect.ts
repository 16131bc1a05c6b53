import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { UserError } from '../core/errors.ts';
import { openStore } from '../core/store/open.ts';
import { requireSchemaVersion } from '../core/store/prepare.ts';
import { pingStore, type Store } from '../core/store/store.ts';
import { createPlimsollClient, type PlimsollClient } from './plimsoll-client.ts';

export interface ConnectOptions {
  /** MongoDB's connection string. */
  mongodbUri: string;
  /** The environment with Temporal's own variables; `process.env` if left out. */
  env?: NodeJS.ProcessEnv;
}

export interface ConnectedClient extends PlimsollClient {
  /** Ends the processes of searches, and closes the connections. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5000;

/**
 * Connects to MongoDB, and to Temporal as its own tools would with this environment.
 *
 * @throws UserError TemporalUnreachable or MongoDBUnreachable, saying which address was tried.
 */
export async function connectPlimsoll({ mongodbUri, env = process.env }: ConnectOptions): Promise<ConnectedClient> {
  const [temporal, store] = await Promise.allSettled([connectTemporal(env), connectStore(mongodbUri)]);
  if (temporal.status === 'fulfilled' && store.status === 'fulfilled') {
    const { client, close } = temporal.value;
    const plimsoll = createPlimsollClient({ temporal: client, store: store.value });
    return {
      ...plimsoll,
      async close() {
        await plimsoll.close();
        await Promise.all([store.value.close(), close()]);
      },
    };
  }
  if (temporal.status === 'fulfilled') await temporal.value.close();
  if (store.status === 'fulfilled') await store.value.close();
  throw temporal.status === 'rejected' ? temporal.reason : (store as PromiseRejectedResult).reason;
}

async function connectTemporal(env: NodeJS.ProcessEnv): Promise<{ client: Client; close: () => Promise<void> }> {
  const { connectionOptions, namespace } = temporalSettings(env);
  const retries = retriesUntilClosed();
  try {
    const connection = await Connection.connect({
      ...connectionOptions,
      connectTimeout: CONNECT_TIMEOUT_MS,
      interceptors: [retries.interceptor],
    });
    const close = async () => {
      await retries.end();
      await connection.close();
    };
    return { client: new Client({ connection, namespace }), close };
  } catch (error) {
    throw new UserError(
      'TemporalUnreachable',
      `Temporal does not answer at ${connectionOptions.address ?? 'localhost:7233'}. Start the local stack with "plimsoll up", or set TEMPORAL_ADDRESS to the server to use.`,
      { cause: error },
    );
  }
}

/** A connection that opens at the first call, and again after it was lost. */
export function lazyTemporal(env: NodeJS.ProcessEnv): {
  connection: Connection;
  namespace: string;
  close: () => Promise<void>;
} {
  const { connectionOptions, namespace } = temporalSettings(env);
  const retries = retriesUntilClosed();
  const connection = Connection.lazy({ ...connectionOptions, interceptors: [retries.interceptor] });
  const close = async () => {
    await retries.end();
    await connection.close();
  };
  return { connection, namespace, close };
}

function temporalSettings(env: NodeJS.ProcessEnv) {
  const overrideEnvVars = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig({ overrideEnvVars });
  return { connectionOptions, namespace };
}

/**
 * Temporal's own retries, which end when the connection is about to close. Closing it fails the pending calls, such as
 * a long poll. The SDK (1.24) would retry them on the closed channel from a timer, where nobody can catch the error.
 */
function retriesUntilClosed() {
  const options = defaultGrpcRetryOptions();
  let ended = false;
  let due = 0;
  const noneDue = Promise.withResolvers<void>();
  const settle = () => {
    if (ended && due === 0) noneDue.resolve();
  };
  const retry = makeGrpcRetryInterceptor({
    retryableDecider: (attempt, status) => !ended && options.retryableDecider(attempt, status),
    delayFunction(attempt, status) {
      due += 1;
      return options.delayFunction(attempt, status);
    },
  });
  const interceptor: typeof retry = (callOptions, nextCall) => {
    let begun = false;
    // The SDK asks for the next call once at first and once a retry.
    return retry(callOptions, (ofAttempt) => {
      if (begun) due -= 1;
      begun = true;
      settle();
      return nextCall(ofAttempt);
    });
  };
  return {
    interceptor,
    /** Ends the retries. Resolves when none is due any more. */
    async end(): Promise<void> {
      ended = true;
      settle();
      await noneDue.promise;
    },
  };
}

/** Connects to MongoDB alone. @throws UserError InvalidSetting, MongoDBUnreachable, SchemaTooOld, SchemaTooNew */
export async function connectStore(uri: string): Promise<Store> {
  let store: Store;
  try {
    store = openStore(uri, { serverSelectionTimeoutMs: CONNECT_TIMEOUT_MS });
  } catch (error) {
    throw new UserError('InvalidSetting', `MONGODB_URI can't be used: ${(error as Error).message}`, { cause: error });
  }
  try {
    await pingStore(store);
    await requireSchemaVersion(store);
    return store;
  } catch (error) {
    await store.close();
    if (error instanceof UserError) throw error;
    throw new UserError(
      'MongoDBUnreachable',
      `MongoDB does not answer at ${withoutPassword(uri)}. Start the local stack with "plimsoll up", or set MONGODB_URI to the replica set to use.`,
      { cause: error },
    );
  }
}

/** A connection string that may be shown and logged. */
export function withoutPassword(uri: string): string {
  return uri.replace(/\/\/[^@/]*@/, '//***@');
}
