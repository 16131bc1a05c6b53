import { join, resolve } from 'node:path';
import { type ApiOptions, apiPortOf, apiSpec, apiUrl, hasTokens } from './api-server.ts';
import type { Member, MemberSpec } from './member.ts';
import { awaitReadyMessage } from './ready-message.ts';
import { elapsed, silent } from './report.ts';
import { readSecrets } from './secrets.ts';
import { addServers, pidsOf, publish, type Servers, type ServersOptions, stopOnFailure } from './servers.ts';
import { siblingModule } from './sibling-module.ts';
import { createSupervisor } from './supervisor.ts';

/** A worker's role: index sources, or embed samples. */
export type WorkerRole = 'indexing' | 'embedding';

export interface StackOptions extends ServersOptions {
  /** The workers to run, one per role; default both. */
  roles?: readonly WorkerRole[] | undefined;
  /** The module that runs as a worker's process; default `workers/run`. */
  workerModule?: string | undefined;
  /** The HTTP API and the page; not served if omitted. */
  api?: ApiOptions | undefined;
}

/** The servers and the workers, running and supervised. */
export interface Stack extends Omit<Servers, 'members'> {
  readonly members: {
    readonly mongod?: Member;
    readonly temporal?: Member;
    readonly 'worker-indexing'?: Member;
    readonly 'worker-embedding'?: Member;
    readonly api?: Member;
  };
  /** URL of the HTTP API and the page. */
  readonly apiUrl: string | undefined;
  /** The token that the API asks for; undefined if it has others, from the environment, or is open. */
  readonly apiToken: string | undefined;
  /** Stops the workers, then Temporal, then mongod, each cleanly. Further calls are safe. */
  stop(): Promise<void>;
}

/**
 * Starts the servers and workers, and resolves when they are ready for jobs. A process that dies is restarted. If that
 * does not help, everything is stopped and `failed` resolves.
 *
 * ```ts
 * const stack = await startStack({ dataDir: '.plimsoll', report: console.error });
 * const error = await Promise.race([once(process, 'SIGINT').then(() => undefined), stack.failed]);
 * await stack.stop();
 * ```
 * @throws LocalStackError as startServers
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { report = silent, roles = ['indexing', 'embedding'] } = options;
  const dataDir = resolve(options.dataDir);
  const startedMs = performance.now();
  const supervisor = await createSupervisor(dataDir, report, options.open);
  return stopOnFailure(supervisor, options.signal, async () => {
    const claimed = options.api && apiPortOf(options.api, report);
    const servers = await addServers(supervisor, options, claimed);
    const apiPort = await claimed;
    const module = options.workerModule ?? siblingModule(import.meta.url, '../workers/run');
    const launchedMs = performance.now();
    const apiToken = options.open || hasTokens(servers.env) ? undefined : (await readSecrets(dataDir)).apiToken;
    const specs = [
      ...roles.map((role) => workerSpec(role, module, servers)),
      ...(options.api && apiPort !== undefined ? [await apiSpec(servers, apiPort, options.api, apiToken)] : []),
    ];
    const started = await Promise.all(
      specs.map(async (spec) => {
        const member = supervisor.add(spec);
        await member.start();
        report(`${member.name} is ready after ${elapsed(launchedMs)}`);
        return [member.name, member] as const;
      }),
    );
    const url = apiPort === undefined ? undefined : apiUrl(apiPort);
    const token = url === undefined ? undefined : apiToken;
    await publish(supervisor, servers, { url, token });
    report(`the stack is ready after ${elapsed(startedMs)}`);
    return {
      dataDir,
      mongodbUri: servers.mongodbUri,
      temporalAddress: servers.temporalAddress,
      temporalNamespace: servers.temporalNamespace,
      uiUrl: servers.uiUrl,
      env: servers.env,
      members: { ...servers.members, ...Object.fromEntries(started) },
      apiUrl: url,
      apiToken: token,
      get pids() {
        return pidsOf(supervisor);
      },
      stop: supervisor.stop,
      failed: supervisor.failed,
    };
  });
}

/** Indexing makes much short-lived garbage. A small nursery costs little time and saves 200 MB. */
const V8_OPTIONS = ['--max-semi-space-size=4'];

function workerSpec(role: WorkerRole, module: string, servers: Servers): MemberSpec {
  return {
    name: `worker-${role}`,
    command: process.execPath,
    args: [...V8_OPTIONS, module, '--role', role],
    env: servers.env,
    channel: 'ipc',
    logFile: join(servers.dataDir, 'logs', `worker-${role}.log`),
    tier: 0,
    graceMs: 30_000,
    awaitReady: awaitReadyMessage,
    before: async () => {
      await Promise.all([servers.members.mongod?.ready(), servers.members.temporal?.ready()]);
    },
  };
}
