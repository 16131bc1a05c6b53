import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { environmentFor, externalServers } from './environment.ts';
import { LocalStackError } from './errors.ts';
import type { Member, MemberSpec } from './member.ts';
import { adviseOnMongodLog, awaitPrimary, mongodArguments, mongodbUri } from './mongod-server.ts';
import { claimPort, HOST } from './ports.ts';
import { provision } from './provision/provision.ts';
import { checkExternalServers } from './reachable.ts';
import { elapsed, type Report, silent } from './report.ts';
import { createSupervisor, type Supervisor } from './supervisor.ts';
import { awaitTemporal, NAMESPACE, temporalArguments } from './temporal-server.ts';

/** Ports to listen on, on 127.0.0.1; 0 takes any free one. */
export interface ServerPorts {
  /** Temporal's gRPC port, 7233 if not given. */
  temporal?: number | undefined;
  /** Temporal's web page, 8233 if not given. */
  ui?: number | undefined;
  /** mongod, 27017 if not given. */
  mongo?: number | undefined;
}

export interface ServersOptions {
  /** Where data, logs and `stack.json` lie; made if it is not there. */
  dataDir: string;
  ports?: ServerPorts | undefined;
  /** Temporal's web page: on if not given. */
  ui?: 'on' | 'off' | undefined;
  /** Hears what is done, in lines. */
  report?: Report | undefined;
  /** Read for MONGODB_URI, TEMPORAL_*, PLIMSOLL_* and PATH, and handed on to the workers. `process.env` if not given. */
  env?: NodeJS.ProcessEnv | undefined;
  /** Aborts the start; what was started is stopped. */
  signal?: AbortSignal | undefined;
}

/** Running servers: local ones, and those of the environment. */
export interface Servers {
  readonly dataDir: string;
  readonly mongodbUri: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  /** Temporal's web page; undefined where it is off or the server is not ours. */
  readonly uiUrl: string | undefined;
  /** What a worker or client needs in its environment to use these servers. */
  readonly env: NodeJS.ProcessEnv;
  /** The local processes; a server that the environment named has none. */
  readonly members: { readonly mongod?: Member; readonly temporal?: Member };
  /** Process numbers of what runs now, by name. */
  readonly pids: Readonly<Record<string, number>>;
  /** Stops Temporal, then mongod, cleanly. May be called again. */
  stop(): Promise<void>;
  /** Resolves with the reason when a server can't be kept running; all is stopped by then. Never rejects. */
  readonly failed: Promise<Error>;
}

const DEFAULT_PORTS = { temporal: 7233, ui: 8233, mongo: 27017 };

/**
 * Starts Temporal's development server and mongod, and resolves when both answer. Data is kept from one start to the next.
 * @throws LocalStackError with what to do: BinaryUnavailable, PortTaken, StackRunning, StartFailed, MongoDBUnreachable,
 * TemporalUnreachable, StartCanceled
 */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const supervisor = await createSupervisor(resolve(options.dataDir), options.report ?? silent);
  return stopOnFailure(supervisor, options.signal, async () => {
    const servers = await addServers(supervisor, options);
    await publish(supervisor, servers);
    return servers;
  });
}

/** Runs a start; when it fails or is aborted, stops what was started before it throws. */
export async function stopOnFailure<T>(
  supervisor: Supervisor,
  signal: AbortSignal | undefined,
  start: () => Promise<T>,
): Promise<T> {
  const canceled = Promise.withResolvers<never>();
  const onAbort = () => canceled.reject(new LocalStackError('StartCanceled', 'The start was canceled.'));
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const failed = supervisor.failed.then((error) => Promise.reject(error));
  const started = start();
  try {
    return await Promise.race([started, canceled.promise, failed]);
  } catch (error) {
    await supervisor.stop();
    // What still goes on of the start fails by itself now: its members are stopped and won't start again.
    await started.catch(() => {});
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    failed.catch(() => {});
    canceled.promise.catch(() => {});
  }
}

/** Writes down where the stack answers: from now on `readStack` finds it. */
export async function publish(supervisor: Supervisor, servers: Servers, apiUrl?: string): Promise<void> {
  await supervisor.claim.update({
    temporalAddress: servers.temporalAddress,
    temporalNamespace: servers.temporalNamespace,
    mongodbUri: servers.mongodbUri,
    ...(servers.uiUrl ? { uiUrl: servers.uiUrl } : {}),
    ...(apiUrl ? { apiUrl } : {}),
    webhookEnv: webhookEnvOf(servers.env),
  });
}

/** The file's path as it is known from any folder; what it holds stays in it. */
function webhookEnvOf({ PLIMSOLL_WEBHOOK_SECRETS, PLIMSOLL_WEBHOOK_ALLOW }: NodeJS.ProcessEnv): Record<string, string> {
  return {
    ...(PLIMSOLL_WEBHOOK_SECRETS ? { PLIMSOLL_WEBHOOK_SECRETS: resolve(PLIMSOLL_WEBHOOK_SECRETS) } : {}),
    ...(PLIMSOLL_WEBHOOK_ALLOW ? { PLIMSOLL_WEBHOOK_ALLOW } : {}),
  };
}

/** Adds the servers to a supervisor, and resolves when they answer. */
export async function addServers(supervisor: Supervisor, options: ServersOptions): Promise<Servers> {
  const { report = silent, env = process.env } = options;
  const dataDir = resolve(options.dataDir);
  const external = externalServers(env);
  const startedMs = performance.now();
  await checkExternalServers(external, env, report);

  const temporalPort = external.temporal ? undefined : await temporalPortOf(options);
  const uiPort = external.temporal || options.ui === 'off' ? undefined : await uiPortOf(options);
  const mongoPort = external.mongodbUri ? undefined : await mongoPortOf(options);
  const binaries = await provision({
    wanted: [
      ...(temporalPort === undefined ? [] : ['temporal' as const]),
      ...(mongoPort === undefined ? [] : ['mongod' as const]),
    ],
    env,
    report,
    signal: options.signal,
  });

  const members: { mongod?: Member; temporal?: Member } = {};
  if (mongoPort !== undefined && binaries.mongod) {
    members.mongod = supervisor.add(mongodSpec(dataDir, env, binaries.mongod, mongoPort));
    await mkdir(mongoFolder(dataDir), { recursive: true });
  }
  if (temporalPort !== undefined && binaries.temporal) {
    members.temporal = supervisor.add(temporalSpec(dataDir, env, binaries.temporal, temporalPort, uiPort));
  }
  const launchedMs = performance.now();
  await Promise.all(
    Object.values(members).map(async (member) => {
      await member.start();
      report(`${member.name} is ready after ${elapsed(launchedMs)}`);
    }),
  );

  const addresses = {
    mongodbUri: external.mongodbUri ?? mongodbUri(mongoPort ?? 0),
    temporalAddress: external.temporal?.address ?? `${HOST}:${temporalPort}`,
    temporalNamespace: external.temporal?.namespace ?? NAMESPACE,
  };
  report(`servers are ready after ${elapsed(startedMs)}`);
  return {
    dataDir,
    ...addresses,
    uiUrl: uiPort === undefined ? undefined : `http://${HOST}:${uiPort}`,
    env: environmentFor(env, { dataDir, ...addresses, external }),
    members,
    get pids() {
      return pidsOf(supervisor);
    },
    stop: supervisor.stop,
    failed: supervisor.failed,
  };
}

/** Process numbers of the members that run, by name. */
export function pidsOf(supervisor: Supervisor): Record<string, number> {
  const running = [...supervisor.members.values()].flatMap(({ name, pid }) =>
    pid === undefined ? [] : [[name, pid] as const],
  );
  return Object.fromEntries(running);
}

function mongodSpec(dataDir: string, env: NodeJS.ProcessEnv, binary: string, port: number): MemberSpec {
  return {
    name: 'mongod',
    command: binary,
    args: mongodArguments({ dbPath: mongoFolder(dataDir), port }),
    env,
    channel: 'none',
    logFile: join(dataDir, 'logs', 'mongod.log'),
    tier: 2,
    graceMs: 30_000,
    awaitReady: (_child, start) => awaitPrimary(port, start),
    adviseOn: adviseOnMongodLog,
  };
}

function temporalSpec(
  dataDir: string,
  env: NodeJS.ProcessEnv,
  binary: string,
  port: number,
  uiPort: number | undefined,
): MemberSpec {
  return {
    name: 'temporal',
    command: binary,
    args: temporalArguments({ dbFile: join(dataDir, 'temporal.db'), port, uiPort }),
    env,
    channel: 'none',
    logFile: join(dataDir, 'logs', 'temporal.log'),
    tier: 1,
    graceMs: 15_000,
    awaitReady: (_child, start) => awaitTemporal(port, uiPort, start),
  };
}

function mongoFolder(dataDir: string): string {
  return join(dataDir, 'mongo');
}

function temporalPortOf({ ports }: ServersOptions): Promise<number> {
  return claimPort(ports?.temporal ?? DEFAULT_PORTS.temporal, {
    role: "Temporal's server",
    flag: '--temporal-port',
    instead: 'set TEMPORAL_ADDRESS to use a Temporal server that runs there',
  });
}

function uiPortOf({ ports }: ServersOptions): Promise<number> {
  return claimPort(ports?.ui ?? DEFAULT_PORTS.ui, {
    role: "Temporal's web page",
    flag: '--ui-port',
    instead: 'stop what listens there',
  });
}

function mongoPortOf({ ports }: ServersOptions): Promise<number> {
  return claimPort(ports?.mongo ?? DEFAULT_PORTS.mongo, {
    role: 'mongod',
    flag: '--mongo-port',
    instead: `set MONGODB_URI to use a MongoDB that runs there (a replica set, as mongodb://${HOST}:27017/?replicaSet=rs0)`,
  });
}
