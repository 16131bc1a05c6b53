import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const HOST = fileURLToPath(new URL('./command-host-process.ts', import.meta.url));

export interface CommandLine {
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
}

/** How a command ended, and what it wrote. */
export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Hosts that wait for a command. */
const idle: ChildProcess[] = [];

/**
 * Runs a command line in a process that has run others. It has imported Temporal's client and MongoDB's driver, which is
 * most of what a short command would do in a process of its own. Several at once get a host each. A host ends with this
 * process.
 */
export function runInHost(line: CommandLine): Promise<Run> {
  const host = idle.pop() ?? startHost(line.env);
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) =>
      reject(new Error(`The host of "${line.args.join(' ')}" ended with ${code}.`));
    host.once('exit', ended);
    host.once('message', (run: Run) => {
      host.off('exit', ended);
      idle.push(host);
      resolve(run);
    });
    host.send(line);
  });
}

function startHost(env: NodeJS.ProcessEnv): ChildProcess {
  const host = fork(HOST, { env, execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  host.unref();
  host.channel?.unref();
  return host;
}
