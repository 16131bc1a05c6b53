import { setTimeout as delay } from 'node:timers/promises';
import { Connection, isGrpcServiceError, ServiceError } from '@temporalio/client';
import { reasonOf } from './errors.ts';
import { awaitListening, HOST } from './ports.ts';
import type { Start } from './start-watch.ts';

export const NAMESPACE = 'default';

/** What people filter loads by on Temporal's page; registered when the server starts. */
const SEARCH_ATTRIBUTES = ['PlimsollDataset=Keyword', 'PlimsollPhase=Keyword'];

/**
 * Priority and fairness of task queues are off by default on server 1.29. Each partition of a queue keeps order and shares for
 * itself, and one is enough for one machine.
 */
const DYNAMIC_CONFIG = [
  'matching.useNewMatcher=true',
  'matching.enableFairness=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
];

/**
 * A write-ahead log, synced at its checkpoints: activities that run in parallel take half as long as with SQLite's default
 * (13 ms instead of 24, eight at a time). Killing the server loses nothing; a power cut may lose the last moments, which
 * Temporal then runs again, and every activity may run more than once anyway.
 */
const SQLITE_PRAGMAS = ['journal_mode=wal', 'synchronous=1'];

export interface TemporalServerOptions {
  dbFile: string;
  port: number;
  /** Undefined for a server without a web page. */
  uiPort: number | undefined;
}

/** The arguments of `temporal` that run a durable development server. */
export function temporalArguments({ dbFile, port, uiPort }: TemporalServerOptions): string[] {
  return [
    'server',
    'start-dev',
    ...['--db-filename', dbFile],
    ...['--ip', HOST],
    ...['--port', String(port)],
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...['--log-level', 'warn'],
    ...SQLITE_PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...DYNAMIC_CONFIG.flatMap((value) => ['--dynamic-config-value', value]),
    ...SEARCH_ATTRIBUTES.flatMap((attribute) => ['--search-attribute', attribute]),
  ];
}

/** How long the first question waits for its answer. Each further one waits twice as long as the one before, up to a minute. */
const ANSWER_WITHIN_MS = 1_000;
const LONGEST_ANSWER_MS = 60_000;
const PAUSE_MS = 50;
/** Answers of a server that still starts, as numbers of gRPC. They pass; any other refusal is meant. */
const STILL_STARTING = new Set<number>([
  1, // CANCELLED
  2, // UNKNOWN
  4, // DEADLINE_EXCEEDED
  5, // NOT_FOUND: the namespace is registered while it starts.
  8, // RESOURCE_EXHAUSTED
  13, // INTERNAL
  14, // UNAVAILABLE
]);

/** Resolves when the server answers for its namespace and, if it has one, its web page listens. Asks until the signal aborts. */
export async function awaitTemporal(
  port: number,
  uiPort: number | undefined,
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
  if (uiPort === undefined) return;
  waitsFor(`port ${uiPort} of its web page to accept connections`);
  await awaitListening(uiPort, signal);
}

/** Why a server does not answer for its namespace yet; throws a refusal that is meant. */
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
