import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { inject } from 'vitest';
import { registerNamespace } from '../support/namespace.ts';
import { type Run, runInHost } from './command-host.ts';

const COMMAND = fileURLToPath(new URL('../../cli/plimsoll.ts', import.meta.url));
const WORKER = fileURLToPath(new URL('../../workers/run.ts', import.meta.url));

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

/** A command that has been started. */
export interface RunningCommand {
  child: ChildProcess;
  /** Resolves once this has been written to stderr. */
  says(text: string): Promise<void>;
  ended: Promise<Run>;
}

/** This environment without anything that names servers, and without a plimsoll.toml that somebody has above. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('TEMPORAL_') && name !== 'MONGODB_URI' && name !== 'FORCE_COLOR',
  );
  return { ...Object.fromEntries(kept), PLIMSOLL_CONFIG: '', NODE_NO_WARNINGS: '1' };
}

/** Starts the real command in a separate process, as a shell would. */
export function startCommand(
  args: readonly string[],
  { env = bareEnvironment(), cwd }: RunOptions = {},
): RunningCommand {
  const child = spawn(process.execPath, [COMMAND, ...args], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const run: Run = { code: null, stdout: '', stderr: '' };
  const waiting: { text: string; resolve: () => void }[] = [];
  child.stdout?.on('data', (data) => {
    run.stdout += data;
  });
  child.stderr?.on('data', (data) => {
    run.stderr += data;
    for (const { text, resolve } of waiting) if (run.stderr.includes(text)) resolve();
  });
  const ended = once(child, 'close').then(([code]) => ({ ...run, code: code as number | null }));
  return {
    child,
    says(text) {
      const said = new Promise<void>((resolve) => {
        waiting.push({ text, resolve });
        if (run.stderr.includes(text)) resolve();
      });
      const silent = ended.then(({ code, stderr }) => {
        if (!stderr.includes(text)) throw new Error(`It ended with ${code} and never said "${text}":\n${stderr}`);
      });
      return Promise.race([said, silent]);
    },
    ended,
  };
}

/** Runs a command to its end without a process of its own: see `runInHost`. */
export function runCommand(
  args: readonly string[],
  { env = bareEnvironment(), cwd = process.cwd() }: RunOptions = {},
): Promise<Run> {
  return runInHost({ args, env, cwd });
}

/** A new namespace and database on the run's real servers, and real workers as processes. */
export interface CommandBench {
  /** Removed at the end. */
  folder: string;
  env: NodeJS.ProcessEnv;
  /** Runs a command to its end without a process of its own. */
  run(...args: string[]): Promise<Run>;
  /** Starts the real command in a process of its own. */
  start(...args: string[]): RunningCommand;
  /** Returns a function that ends the worker, by SIGTERM as a deploy does unless told otherwise. */
  startWorker(role: 'indexing' | 'embedding'): Promise<(signal?: NodeJS.Signals) => Promise<void>>;
  stop(): Promise<void>;
}

export async function createCommandBench(): Promise<CommandBench> {
  const name = `cli-${randomUUID().slice(0, 8)}`;
  const folder = await mkdtemp(join(tmpdir(), `plimsoll-${name}-`));
  const mongodb = new URL(inject('mongodbUri'));
  mongodb.pathname = name;
  const env = {
    ...bareEnvironment(),
    MONGODB_URI: mongodb.href,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: name,
    // Loads that fail are part of the tests.
    PLIMSOLL_LOG_LEVEL: 'ERROR',
  };
  const connection = await Connection.connect({ address: env.TEMPORAL_ADDRESS });
  await registerNamespace(connection, name);
  await connection.close();
  const stops: (() => Promise<void>)[] = [];
  return {
    folder,
    env,
    run: (...args) => runCommand(args, { env, cwd: folder }),
    start: (...args) => startCommand(args, { env, cwd: folder }),
    async startWorker(role) {
      const worker = spawn(process.execPath, [WORKER, '--role', role], {
        env,
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      const exited = once(worker, 'exit');
      const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
        worker.kill(signal);
        await exited;
      };
      stops.push(stop);
      await Promise.race([once(worker, 'message'), exited.then(() => Promise.reject(new Error('The worker ended.')))]);
      return stop;
    },
    async stop() {
      await Promise.all(stops.map((stop) => stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
