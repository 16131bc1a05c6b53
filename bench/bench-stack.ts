import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectedClient, connectPlimsoll } from '../client/connect.ts';
import type { ApiOptions } from '../local/api-server.ts';
import { startStack, type WorkerRole } from '../local/stack.ts';
import { workflowBundle } from '../workers/workflow-bundle.ts';
import type { BenchContext } from './context.ts';
import { cpuSeconds } from './cpu-time.ts';
import { childrenRunning, type PeakMemory, watchPeakMemory } from './peak-memory.ts';

/** A stack that nobody else uses, in a temporary folder, and a client of it. */
export interface BenchStack {
  client: ConnectedClient;
  mongodbUri: string;
  /** The HTTP API, where it was asked for. */
  apiUrl: string | undefined;
  memory: PeakMemory;
  /** Seconds of CPU by process, since it began. */
  cpuSeconds(): Promise<Record<string, number>>;
}

/**
 * Runs `work` on a stack of its own: processes with nothing behind them yet, so that their peak memory is this measurement's.
 * Only the workers asked for run: an idle one takes no core, but it takes memory.
 */
export async function withStack<T>(
  context: BenchContext,
  roles: readonly WorkerRole[],
  work: (stack: BenchStack) => Promise<T>,
  api?: ApiOptions,
): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'plimsoll-bench-'));
  try {
    // Bundling the workflows takes a worker 200 MB, once for each version of them: it is not what is measured.
    await workflowBundle(context.env);
    const stack = await startStack({
      dataDir,
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
            apiUrl: stack.apiUrl,
            memory,
            cpuSeconds: () => cpuSeconds(stack.pids),
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

/** Servers that the user's environment names are not ours to fill with samples. */
function environment({ env, profileDir }: BenchContext): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(([name]) => name !== 'MONGODB_URI' && !name.startsWith('TEMPORAL_'));
  const profiling = profileDir === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` };
  return { ...Object.fromEntries(own), ...profiling };
}

async function processesOf(pids: Readonly<Record<string, number>>): Promise<Map<number, string>> {
  const names = new Map(Object.entries(pids).map(([name, pid]) => [pid, name]));
  const embedWorker = pids['worker-embed'];
  if (embedWorker === undefined) return names;
  for (const pid of await childrenRunning(embedWorker, 'inference/child.ts')) names.set(pid, 'inference');
  return names;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
