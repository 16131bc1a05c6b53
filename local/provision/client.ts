import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Options for running another program: a registry's client, `tar`. */
export interface ClientRun {
  env: NodeJS.ProcessEnv;
  cwd?: string;
  signal?: AbortSignal | undefined;
  timeoutMs: number;
  /** Receives each line that the program prints. */
  onLine?: (line: string) => void;
}

/** A program was stopped before its end, by this process or another. It says nothing about the program. */
export class ClientStopped extends Error {}

/** Signals with which people and systems stop processes. Others, such as SIGSEGV, come from the program itself. */
const STOPPING = new Set<NodeJS.Signals | null>(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL']);

const LINES_KEPT = 4;

/**
 * Runs a program to its end and returns what it printed on its standard output.
 * Rejects with one short reason: not installed, its exit code and last lines, or `ClientStopped`.
 */
export async function runClient(command: string, args: readonly string[], run: ClientRun): Promise<string> {
  const deadline = AbortSignal.timeout(run.timeoutMs);
  const child = spawn(command, args, {
    env: run.env,
    cwd: run.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own keeps Ctrl-C from the program; this process ends it together with its children.
    detached: true,
  });
  const end = () => killGroup(child);
  const stop = run.signal ? AbortSignal.any([run.signal, deadline]) : deadline;
  stop.addEventListener('abort', end);
  if (stop.aborted) end();
  process.once('exit', end);
  const tail: string[] = [];
  const output: string[] = [];
  const hear = (line: string) => {
    run.onLine?.(line);
    if (line.trim() === '') return;
    tail.push(line.trim());
    if (tail.length > LINES_KEPT) tail.shift();
  };
  createInterface({ input: child.stderr }).on('line', hear);
  createInterface({ input: child.stdout }).on('line', (line) => {
    output.push(line);
    hear(line);
  });
  const failure = await new Promise<Error | undefined>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      resolve(new Error(error.code === 'ENOENT' ? `\`${command}\` is not on PATH` : error.message));
    });
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(undefined);
      if (run.signal?.aborted) return resolve(new ClientStopped('canceled'));
      if (deadline.aborted)
        return resolve(new ClientStopped(`\`${command}\` did not finish within ${run.timeoutMs / 1000} s`));
      const reason = [`\`${command}\` ended with ${signal ?? `exit code ${code}`}`, ...tail].join('\n');
      resolve(STOPPING.has(signal) ? new ClientStopped(reason) : new Error(reason));
    });
  });
  stop.removeEventListener('abort', end);
  process.off('exit', end);
  if (failure !== undefined) throw failure;
  return output.join('\n');
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGTERM');
  } catch {
    // The program has ended by itself.
  }
}
