import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConnectedClient, connectPlimsoll } from '../client/connect.ts';
import type { ApiOptions } from '../local/api-server.ts';
import { startStack, type WorkerRole } from '../local/stack.ts';
import { workflowBundle } from '../workers/workflow-bundle.ts';
import type { BenchContext } from './context.ts';
import { cpuSeconds } from './cpu-time.ts';
import { childrenRunning, type PeakMemory, watchPeakMemory } from './peak-memory.ts';

/** A private stack in a temporary folder, with a client. */
export interface BenchStack {
  client: ConnectedClient;
  mongodbUri: string;
  temporalAddress: string;
  /** URL of the HTTP API, if requested. */
  apiUrl: string | undefined;
  /** Kills the HTTP API and resolves when it is ready again, and has reached its servers. */
  restartApi(): Promise<void>;
  memory: PeakMemory;
  /** Reads the seconds of CPU of each process since its start. */
  cpuSeconds(): Promise<Record<string, number>>;
}

/** Processes that a process of the stack starts when it first needs them: its name, their script, their name. */
const CHILDREN = [
  ['worker-indexing', 'reader/child.ts', 'readers'],
  ['worker-embedding', 'inference/encoder.ts', 'encoder'],
  ['worker-embedding', 'search/child.ts', 'index-builder'],
  ['api', 'search/child.ts', 'search'],
] as const;

/**
 * Runs `work` on a stack of its own. Its processes are new, so their peak memory comes from this measurement. Only the
 * requested workers run, because an idle worker takes memory.
 */
export async function withStack<T>(
  context: BenchContext,
  roles: readonly WorkerRole[],
  work: (stack: BenchStack) => Promise<T>,
  api?: ApiOptions,
): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'plimsoll-bench-'));
  try {
    // Bundling the workflows takes a worker 200 MB, once per version, and is not part of the measurement.
    await workflowBundle(context.env);
    const stack = await startStack({
      dataDir,
      open: true,
      roles,
      ports: { temporal: 0, mongo: 0, ui: 0 },
      ui: 'off',
      api: api && { port: 0, ...api },
      env: environment(context),
      signal: context.signal,
    });
    try {
      const client = await connectPlimsoll({ mongodbUri: stack.mongodbUri, env: stack.env });
      const memory = watchPeakMemory(() => processesOf(stack.pids));
      try {
        return await Promise.race([
          work({
            client,
            mongodbUri: stack.mongodbUri,
            temporalAddress: stack.temporalAddress,
            apiUrl: stack.apiUrl,
            restartApi: async () => {
              await stack.members.api?.kill();
              await stack.members.api?.ready();
              while (!(await fetch(`${stack.apiUrl}/ready`)).ok) await delay(20, undefined, { signal: context.signal });
            },
            memory,
            cpuSeconds: async () => cpuSeconds(await processesOf(stack.pids)),
          }),
          stack.failed.then((error) => Promise.reject(error)),
          aborted(context.signal),
        ]);
      } finally {
        await memory.end();
        await client.close();
      }
    } finally {
      await stack.stop();
    }
  } finally {
    if (context.keep) context.report(`kept ${dataDir}`);
    else await rm(dataDir, { recursive: true, force: true });
  }
}

/** Ignores servers that the user's environment names: a benchmark must not fill them with samples. */
function environment({ env, profileDir }: BenchContext): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(([name]) => name !== 'MONGODB_URI' && !name.startsWith('TEMPORAL_'));
  const profiling = profileDir === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` };
  return { ...Object.fromEntries(own), ...profiling };
}

async function processesOf(pids: Readonly<Record<string, number>>): Promise<Map<number, string>> {
  const names = new Map(Object.entries(pids).map(([name, pid]) => [pid, name]));
  for (const [parent, script, name] of CHILDREN) {
    const pid = pids[parent];
    for (const child of pid === undefined ? [] : await childrenRunning(pid, script)) names.set(child, name);
  }
  return names;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
