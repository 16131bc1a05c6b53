import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterTicks } from '../../concurrency/after-ticks.ts';
import type { Order, Reply } from './messages.ts';

/** The child's file has this file's extension: sources run with type stripping, the package as plain JavaScript. */
const CHILD_FILE = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));

/** The variables that an encoder needs. It receives no secrets. */
const ENVIRONMENT = /^(?:PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|SystemRoot|LD_\w+|DYLD_\w+)$/i;

/** An order takes a third of a second on a slow core, and the first one the start of the process as well. */
const DEADLINE_MS = 120_000;

/** A process that handles one order at a time. */
export interface EncoderProcess {
  readonly pid: number | undefined;
  /** @throws Error if the frames can't be made, or the process ends or is late */
  ask(order: Order): Promise<Uint8Array[]>;
  kill(): void;
}

/** Forks an encoder process. */
export function startEncoder(): EncoderProcess {
  const child: ChildProcess = fork(CHILD_FILE, {
    serialization: 'advanced',
    // Options of this process may not fit the child: --input-type, --inspect.
    execArgv: [],
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => ENVIRONMENT.test(name))),
      UV_THREADPOOL_SIZE: '1',
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let asked: PromiseWithResolvers<Reply> | undefined;
  let ended: Error | undefined;

  function end(how: string): void {
    child.kill('SIGKILL');
    ended ??= new Error(`The process that encodes frames ${how}.`);
    asked?.reject(ended);
  }
  child.on('message', (reply: Reply) => asked?.resolve(reply));
  child.on('exit', (code, signal) => end(signal ? `was ended by ${signal}` : `exited with code ${code}`));
  child.on('error', (error) => end(`can't be reached: ${error.message}`));

  return {
    pid: child.pid,
    async ask(order) {
      if (ended !== undefined) throw ended;
      asked = Promise.withResolvers();
      child.send(order, () => {});
      const endCount = afterTicks(DEADLINE_MS, () => end(`gave no answer in ${DEADLINE_MS / 1000} s`));
      try {
        const reply = await asked.promise;
        if ('fault' in reply) throw new Error(reply.fault);
        return reply.samples;
      } finally {
        endCount();
      }
    },
    kill: () => end('was ended'),
  };
}
