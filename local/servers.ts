import { chmod, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { modelFoldersFrom } from '../core/models/model-folders.ts';
import { environmentFor, externalServers } from './environment.ts';
import { LocalStackError } from './errors.ts';
import type { Member, MemberSpec } from './member.ts';
import { adviseOnMongodLog, awaitPrimary, mongodArguments, mongodbUri } from './mongod-server.ts';
import { claimAll, claimPort, freePort, HOST } from './ports.ts';
import { provision } from './provision/provision.ts';
import { checkExternalServers } from './reachable.ts';
import { elapsed, type Report, silent } from './report.ts';
import { type MongodSecrets, readSecrets } from './secrets.ts';
import { createSupervisor, type Supervisor } from './supervisor.ts';
import { hiddenAddress, serveTemporalPage } from './temporal-page.ts';
import {
  type Address,
  awaitTemporal,
  NAMESPACE,
  type TemporalServerOptions,
  temporalArguments,
} from './temporal-server.ts';

/** Ports to listen on, on 127.0.0.1; 0 takes any free one. */
export interface ServerPorts {
  /** Temporal's gRPC port; default 7233. */
  temporal?: number | undefined;
  /** Temporal's web page; default 8233. */
  ui?: number | undefined;
  /** mongod; default 27017. */
  mongo?: number | undefined;
}

export interface ServersOptions {
  /** Folder of data, logs and `stack.json`; created if it does not exist. */
  dataDir: string;
  ports?: ServerPorts | undefined;
  /** Whether to serve Temporal's web page; default true. */
  ui?: 'on' | 'off' | undefined;
  /**
   * Whether everybody on this machine, and the pages of any site in its browsers, may use the servers: no passwords,
   * and Temporal's HTTP API and page as they are. Default false.
   */
  open?: boolean | undefined;
  /** Receives progress, line by line. */
  report?: Report | undefined;
  /** Source of MONGODB_URI, TEMPORAL_*, PLIMSOLL_* and PATH, passed on to the workers; default `process.env`. */
  env?: NodeJS.ProcessEnv | undefined;
  /** Aborts the start and stops what was started. */
  signal?: AbortSignal | undefined;
}

/** Running servers: local ones, and those that the environment names. */
export interface Servers {
  readonly dataDir: string;
  readonly mongodbUri: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  /** URL of Temporal's web page; undefined if it is off or the server is not local. */
  readonly uiUrl: string | undefined;
  /** Environment of a worker or client that uses these servers. */
  readonly env: NodeJS.ProcessEnv;
  /** The local processes. A server that the environment names has none. */
  readonly members: { readonly mongod?: Member; readonly temporal?: Member };
  /** Process IDs of the running processes, by name. */
  readonly pids: Readonly<Record<string, number>>;
  /** Stops Temporal, then mongod, cleanly. Further calls are safe. */
  stop(): Promise<void>;
  /** Resolves with the reason when a server can't be kept running and everything is stopped. Never rejects. */
  readonly failed: Promise<Error>;
}

const DEFAULT_PORTS = { temporal: 7233, ui: 8233, mongo: 27017 };

/**
 * Starts Temporal's development server and mongod, and resolves when both answer. Data is kept from one start to the
 * next.
 * @throws LocalStackError with what to do: BinaryUnavailable, PortTaken, StackRunning, StartFailed, MongoDBUnreachable,
 * TemporalUnreachable, StartCanceled
 */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const supervisor = await createSupervisor(resolve(options.dataDir), options.report ?? silent, options.open);
  return stopOnFailure(supervisor, options.signal, async () => {
    const servers = await addServers(supervisor, options);
    await publish(supervisor, servers);
    return servers;
  });
}

/** Runs a start. If it fails or is aborted, stops what was started and throws. */
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
    // The rest of the start now fails by itself, because its members are stopped and can't start again.
    await started.catch(() => {});
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    failed.catch(() => {});
    canceled.promise.catch(() => {});
  }
}

/** Records the stack's addresses, so that `readStack` finds it from now on. */
export async function publish(
  supervisor: Supervisor,
  servers: Servers,
  api: { url?: string | undefined; token?: string | undefined } = {},
): Promise<void> {
  await supervisor.claim.update({
    temporalAddress: servers.temporalAddress,
    temporalNamespace: servers.temporalNamespace,
    mongodbUri: servers.mongodbUri,
    ...(servers.uiUrl ? { uiUrl: servers.uiUrl } : {}),
    ...(api.url ? { apiUrl: api.url } : {}),
    ...(api.token ? { apiToken: api.token } : {}),
    webhookEnv: webhookEnvOf(servers.env),
    modelFolders: modelFoldersFrom(servers.env).map((folder) => resolve(folder)),
  });
}

/** The workers' webhook variables. The path is made absolute, so that it works from any folder. */
function webhookEnvOf({ PLIMSOLL_WEBHOOK_SECRETS, PLIMSOLL_WEBHOOK_ALLOW }: NodeJS.ProcessEnv): Record<string, string> {
  return {
    ...(PLIMSOLL_WEBHOOK_SECRETS ? { PLIMSOLL_WEBHOOK_SECRETS: resolve(PLIMSOLL_WEBHOOK_SECRETS) } : {}),
    ...(PLIMSOLL_WEBHOOK_ALLOW ? { PLIMSOLL_WEBHOOK_ALLOW } : {}),
  };
}

/**
 * Adds the servers to a supervisor and resolves when they answer.
 * @param apiPort the claim of a further port: if it is taken, one error names it and those of the servers
 */
export async function addServers(
  supervisor: Supervisor,
  options: ServersOptions,
  apiPort?: Promise<number>,
): Promise<Servers> {
  const { report = silent, env = process.env, open = false } = options;
  const dataDir = resolve(options.dataDir);
  const external = externalServers(env);
  const startedMs = performance.now();

  const { temporalPort, uiPort, mongoPort } = await claimAll({
    temporalPort: external.temporal ? undefined : temporalPortOf(options),
    uiPort: external.temporal || options.ui === 'off' ? undefined : uiPortOf(options),
    mongoPort: external.mongodbUri ? undefined : mongoPortOf(options),
    apiPort,
  });
  await checkExternalServers(external, env, report);
  const page = uiPort === undefined ? undefined : await placeOfPage(uiPort, options);
  const mongodSecrets = open || mongoPort === undefined ? undefined : (await readSecrets(dataDir)).mongod;
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
    members.mongod = supervisor.add(mongodSpec(dataDir, env, binaries.mongod, mongoPort, mongodSecrets));
    await mkdir(mongoFolder(dataDir), { recursive: true });
  }
  if (temporalPort !== undefined && binaries.temporal) {
    const asked = { dbFile: join(dataDir, 'temporal.db'), port: temporalPort, page, httpApi: open };
    members.temporal = supervisor.add(temporalSpec(dataDir, env, binaries.temporal, asked));
  }
  const launchedMs = performance.now();
  await Promise.all(
    Object.values(members).map(async (member) => {
      await member.start();
      report(`${member.name} is ready after ${elapsed(launchedMs)}`);
    }),
  );

  if (uiPort !== undefined && page !== undefined && !open) {
    const served = await serveTemporalPage(uiPort, page);
    supervisor.closeFirst(served.close);
  }
  const addresses = {
    mongodbUri: external.mongodbUri ?? mongodbUri(mongoPort ?? 0, mongodSecrets),
    temporalAddress: external.temporal?.address ?? `${HOST}:${temporalPort}`,
    temporalNamespace: external.temporal?.namespace ?? NAMESPACE,
  };
  report(`servers are ready after ${elapsed(startedMs)}`);
  return {
    dataDir,
    ...addresses,
    uiUrl: page === undefined ? undefined : `http://${HOST}:${uiPort}`,
    env: environmentFor(env, { dataDir, ...addresses, external }),
    members,
    get pids() {
      return pidsOf(supervisor);
    },
    stop: supervisor.stop,
    failed: supervisor.failed,
  };
}

/** Process IDs of the running members, by name. */
export function pidsOf(supervisor: Supervisor): Record<string, number> {
  const running = [...supervisor.members.values()].flatMap(({ name, pid }) =>
    pid === undefined ? [] : [[name, pid] as const],
  );
  return Object.fromEntries(running);
}

function mongodSpec(
  dataDir: string,
  env: NodeJS.ProcessEnv,
  binary: string,
  port: number,
  secrets: MongodSecrets | undefined,
): MemberSpec {
  return {
    name: 'mongod',
    command: binary,
    args: mongodArguments({ dbPath: mongoFolder(dataDir), port, keyFile: secrets?.keyFile }),
    env,
    channel: 'none',
    logFile: join(dataDir, 'logs', 'mongod.log'),
    tier: 2,
    graceMs: 30_000,
    awaitReady: (_child, start) => awaitPrimary(port, secrets, start),
    adviseOn: adviseOnMongodLog,
  };
}

function temporalSpec(
  dataDir: string,
  env: NodeJS.ProcessEnv,
  binary: string,
  asked: TemporalServerOptions,
): MemberSpec {
  return {
    name: 'temporal',
    command: binary,
    args: temporalArguments(asked),
    env,
    channel: 'none',
    logFile: join(dataDir, 'logs', 'temporal.log'),
    tier: 1,
    graceMs: 15_000,
    async awaitReady(_child, start) {
      await awaitTemporal(asked.port, asked.page, start);
      // SQLite makes the other two as the first one is.
      for (const file of ['', '-wal', '-shm']) await chmod(`${asked.dbFile}${file}`, 0o600).catch(() => {});
    },
  };
}

/**
 * Chooses the address of Temporal's web server. In an open stack it is the page's own. Otherwise pages of other sites
 * can't find it. On a system without such an address, the page is served only if its port was asked for.
 */
async function placeOfPage(
  uiPort: number,
  { open = false, ports, report = silent }: ServersOptions,
): Promise<Address | undefined> {
  if (open) return { host: HOST, port: uiPort };
  const hidden = await hiddenAddress();
  if (hidden !== undefined) return hidden;
  if (ports?.ui !== undefined) return { host: HOST, port: await freePort() };
  report(
    `Temporal's web page stays off: this system has no address that pages of other sites can't find (--ui-port ${uiPort} opens it)`,
  );
  return undefined;
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
