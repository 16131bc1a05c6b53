import { Connection } from '@temporalio/client';
import { awaitListening, HOST } from './ports.ts';

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

/** Resolves when the server answers for its namespace and, if it has one, its web page listens. */
export async function awaitTemporal(port: number, uiPort: number | undefined, signal: AbortSignal): Promise<void> {
  await awaitListening(port, signal);
  const connection = await Connection.connect({ address: `${HOST}:${port}`, connectTimeout: '10s' });
  try {
    await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
  } finally {
    await connection.close();
  }
  if (uiPort !== undefined) await awaitListening(uiPort, signal);
}
