import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How to run another program: a registry's client, `tar`. */
export interface ClientRun {
  env: NodeJS.ProcessEnv;
  cwd?: string;
  signal?: AbortSignal | undefined;
  timeoutMs: number;
  /** Hears each line that it prints. */
  onLine?: (line: string) => void;
}

const LINES_KEPT = 4;

/**
 * Runs a program to its end and returns what it printed on its standard output.
 * Rejects with one short reason: not installed, or its exit code and last lines.
 */
export async function runClient(command: string, args: readonly string[], run: ClientRun): Promise<string> {
  const deadline = AbortSignal.timeout(run.timeoutMs);
  const child = spawn(command, args, {
    env: run.env,
    cwd: run.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: run.signal ? AbortSignal.any([run.signal, deadline]) : deadline,
  });
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
  const how = await new Promise<string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return resolve(`\`${command}\` is not on PATH`);
      if (deadline.aborted) return resolve(`\`${command}\` did not finish within ${run.timeoutMs / 1000} s`);
      resolve(error.name === 'AbortError' ? 'canceled' : error.message);
    });
    child.once('close', (code, signal) => {
      if (code === 0) return resolve('');
      resolve([`\`${command}\` ended with ${signal ?? `exit code ${code}`}`, ...tail].join('\n'));
    });
  });
  if (how !== '') throw new Error(how);
  return output.join('\n');
}
