import { setTimeout as delay } from 'node:timers/promises';
import { Connection, isGrpcServiceError, ServiceError } from '@temporalio/client';
import { reasonOf } from './errors.ts';
import { awaitListening, HOST } from './ports.ts';
import type { Start } from './start-watch.ts';

export const NAMESPACE = 'default';

/** Search attributes for filtering jobs on Temporal's page; registered when the server starts. */
const SEARCH_ATTRIBUTES = ['PlimsollDataset=Keyword', 'PlimsollPhase=Keyword'];

/**
 * Priority and fairness of task queues are off by default in server 1.29. Each partition of a queue keeps its own order
 * and shares, and one partition is enough for one machine.
 */
const DYNAMIC_CONFIG = [
  'matching.useNewMatcher=true',
  'matching.enableFairness=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
];

/**
 * SQLite with a write-ahead log that is synced at checkpoints. Parallel activities take half as long as with the
 * default (13 ms instead of 24, eight at a time). A killed server loses nothing. A power cut may lose the last moments;
 * Temporal then runs them again, and activities must allow for that anyway.
 */
const SQLITE_PRAGMAS = ['journal_mode=wal', 'synchronous=1'];

/**
 * The server's HTTP API, on a port of any number, takes requests from the pages of all sites. It can't be turned off.
 * A server that takes only calls by a name that no call has refuses all.
 */
const NO_HTTP_API = 'frontend.httpAllowedHosts=["none.invalid"]';

export interface TemporalServerOptions {
  dbFile: string;
  port: number;
  /** The address of the web page; undefined for no page. */
  page: Address | undefined;
  /** Whether the HTTP API answers. */
  httpApi: boolean;
}

export interface Address {
  host: string;
  port: number;
}

/** The arguments of `temporal` that run a durable development server. */
export function temporalArguments({ dbFile, port, page, httpApi }: TemporalServerOptions): string[] {
  return [
    'server',
    'start-dev',
    ...['--db-filename', dbFile],
    ...['--ip', HOST],
    ...['--port', String(port)],
    ...(page === undefined ? ['--headless'] : ['--ui-ip', page.host, '--ui-port', String(page.port)]),
    ...['--log-level', 'warn'],
    ...SQLITE_PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...[...DYNAMIC_CONFIG, ...(httpApi ? [] : [NO_HTTP_API])].flatMap((value) => ['--dynamic-config-value', value]),
    ...SEARCH_ATTRIBUTES.flatMap((attribute) => ['--search-attribute', attribute]),
  ];
}

/** Timeout of the first request. Each further request has twice the timeout, up to a minute. */
const ANSWER_WITHIN_MS = 1_000;
const LONGEST_ANSWER_MS = 60_000;
const PAUSE_MS = 50;
/** gRPC status codes of a server that is still starting. Any other error is permanent. */
const STILL_STARTING = new Set<number>([
  1, // CANCELLED
  2, // UNKNOWN
  4, // DEADLINE_EXCEEDED
  5, // NOT_FOUND: the namespace is registered while it starts.
  8, // RESOURCE_EXHAUSTED
  13, // INTERNAL
  14, // UNAVAILABLE
]);

/**
 * Resolves when the server answers for its namespace and its web page, if any, listens. Retries until the signal
 * aborts.
 */
export async function awaitTemporal(
  port: number,
  page: Address | undefined,
  { signal, waitsFor }: Start,
): Promise<void> {
  waitsFor(`port ${port} to accept connections`);
  await awaitListening(port, signal);
  const answer = `an answer for the namespace "${NAMESPACE}"`;
  waitsFor(answer);
  for (let withinMs = ANSWER_WITHIN_MS; ; withinMs = Math.min(2 * withinMs, LONGEST_ANSWER_MS)) {
    const refusal = await refusalOf(port, withinMs);
    if (refusal === undefined) break;
    waitsFor(`${answer} (${reasonOf(refusal)})`);
    await delay(PAUSE_MS, undefined, { signal });
  }
  if (page === undefined) return;
  waitsFor(`port ${page.port} of its web page to accept connections`);
  await awaitListening(page.port, signal, page.host);
}

/** Returns why a server does not answer for its namespace yet. @throws a permanent error */
async function refusalOf(port: number, withinMs: number): Promise<unknown> {
  const connection = Connection.lazy({ address: `${HOST}:${port}`, connectTimeout: withinMs });
  try {
    await connection.ensureConnected();
    await connection.withDeadline(Date.now() + withinMs, () =>
      connection.workflowService.describeNamespace({ namespace: NAMESPACE }),
    );
    return undefined;
  } catch (error) {
    const refusal = error instanceof ServiceError ? error.cause : error;
    if (isGrpcServiceError(refusal) && !STILL_STARTING.has(refusal.code)) throw error;
    return error;
  } finally {
    await connection.close();
  }
}
