import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterTicks } from '../core/concurrency/after-ticks.ts';
import { MachineEndedError } from '../core/search/vector-machine.ts';
import type { Answer, Call, Role } from './messages.ts';

/** The child's file has this file's extension: sources run with type stripping, the package as plain JavaScript. */
const CHILD_FILE = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));

/** The longest call reads or writes an index of gigabytes on a slow disk. */
const ANSWERS_WITHIN_MS = 300_000;

/** A search process, and the calls that it has not answered. */
export interface SearchProcess {
  readonly pid: number | undefined;
  readonly ended: boolean;
  readonly idle: boolean;
  /** Resolves when the system has ended the process. */
  readonly exited: Promise<void>;
  /**
   * Calls a method of what runs in the process.
   *
   * @throws MachineEndedError when the process ends before it answers
   */
  call(method: string, given: readonly unknown[]): Promise<unknown>;
  kill(how: string): void;
}

/** Starts a search process. A call that is not answered within five minutes ends it. */
export function startSearchProcess(role: Role): SearchProcess {
  const child = fork(CHILD_FILE, [role], {
    serialization: 'advanced',
    execArgv: [],
    // stdout belongs to the results of a command.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const open = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  let ended: MachineEndedError | undefined;

  function end(how: string): void {
    if (ended !== undefined) return;
    ended = new MachineEndedError(`The search process ${how}.`);
    for (const { reject } of open.values()) reject(ended);
    open.clear();
  }
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    // A process that could not be started never exits.
    child.once('error', () => resolve());
  });
  child.on('message', (answer: Answer) => {
    const asked = open.get(answer.id);
    open.delete(answer.id);
    setIdle(child, open.size === 0);
    if ('error' in answer) asked?.reject(new Error(answer.error));
    else asked?.resolve(answer.result);
  });
  child.on('exit', (code, signal) => end(signal ? `was ended by ${signal}` : `exited with code ${code}`));
  child.on('error', (error) => kill(`can't be reached: ${error.message}`));

  function kill(how: string): void {
    child.kill('SIGKILL');
    setIdle(child, true);
    end(how);
  }

  return {
    pid: child.pid,
    get ended() {
      return ended !== undefined;
    },
    get idle() {
      return open.size === 0;
    },
    exited,
    async call(method, given) {
      if (ended !== undefined) throw ended;
      last += 1;
      const message: Call = { id: last, method, arguments: given };
      const asked = Promise.withResolvers<unknown>();
      open.set(last, asked);
      setIdle(child, false);
      child.send(message, (error) => error && kill(`can't be reached: ${error.message}`));
      const endDeadline = afterTicks(ANSWERS_WITHIN_MS, () => kill(`gave no answer for ${ANSWERS_WITHIN_MS / 1000} s`));
      try {
        return await asked.promise;
      } finally {
        endDeadline();
      }
    },
    kill,
  };
}

/** An idle process does not keep its parent alive. */
function setIdle(child: ChildProcess, idle: boolean): void {
  if (idle) {
    child.unref();
    child.channel?.unref();
  } else {
    child.ref();
    child.channel?.ref();
  }
}
