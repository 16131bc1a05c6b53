import { Client } from '@temporalio/client';
import { lazyTemporal } from '../../client/connect.ts';
import { createPlimsollClient, type PlimsollClient } from '../../client/plimsoll-client.ts';
import { UserError } from '../../core/errors.ts';
import { openStore } from '../../core/store/open.ts';
import { prepareDatabase } from '../../core/store/prepare.ts';
import { pingStore } from '../../core/store/store.ts';
import { createMonitor, type Monitor } from './monitor.ts';

/** MongoDB and Temporal. Connections are made and renewed in the background, so the API starts without them. */
export interface ApiBackends {
  client: PlimsollClient;
  mongodb: Monitor;
  temporal: Monitor;
  /** Creates the indexes again within seconds, after the database was dropped or restored without them. */
  renewIndexes(): void;
  close(): Promise<void>;
}

export interface BackendOptions {
  mongodbUri: string;
  env: NodeJS.ProcessEnv;
  taskQueue?: string | undefined;
}

const ANSWER_TIMEOUT_MS = 2000;
/** An HTTP caller waits at most this long for a worker, which may not be running. */
const WORKER_ANSWERS_WITHIN_MS = 10_000;

/**
 * Opens the backends without waiting for a connection. @throws UserError InvalidSetting for an invalid connection
 * string
 */
export function openBackends({ mongodbUri, env, taskQueue }: BackendOptions): ApiBackends {
  const store = openStoreFor(mongodbUri);
  const { connection, namespace, close } = lazyTemporal(env);
  const temporal = new Client({ connection, namespace });
  let indexed = false;
  const mongodbMonitor = createMonitor(async () => {
    try {
      // In mongodb 7.8, a client whose first connection failed rejects every call with "Topology is closed" until
      // connect() is called.
      await store.client.connect();
      await pingStore(store);
    } catch (error) {
      // The database may return restored or empty, without its indexes.
      indexed = false;
      throw error;
    }
    if (indexed) return;
    indexed = true;
    await prepareDatabase(store).catch((error: unknown) => {
      indexed = false;
      throw error;
    });
  }, ANSWER_TIMEOUT_MS);
  const temporalMonitor = createMonitor(
    () =>
      connection.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, async () => {
        await connection.workflowService.describeNamespace({ namespace });
      }),
    ANSWER_TIMEOUT_MS,
  );
  return {
    client: createPlimsollClient({
      temporal,
      store,
      answerWithinMs: WORKER_ANSWERS_WITHIN_MS,
      ...(taskQueue === undefined ? {} : { taskQueue }),
    }),
    mongodb: mongodbMonitor,
    temporal: temporalMonitor,
    renewIndexes() {
      indexed = false;
    },
    async close() {
      await Promise.all([mongodbMonitor.stop(), temporalMonitor.stop()]);
      await Promise.all([store.close(), close()]);
    },
  };
}

function openStoreFor(uri: string) {
  try {
    return openStore(uri, { serverSelectionTimeoutMs: ANSWER_TIMEOUT_MS, heartbeatMs: ANSWER_TIMEOUT_MS });
  } catch (error) {
    throw new UserError('InvalidSetting', `MONGODB_URI can't be used: ${(error as Error).message}`, { cause: error });
  }
}
