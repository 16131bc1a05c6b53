import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterTicks } from '../core/concurrency/after-ticks.ts';
import { type Candidates, MachineEndedError, type Pairs, type VectorMachine } from '../core/search/vector-machine.ts';
import type { Answer, Call, Method, Result } from './messages.ts';

/** The child's file has this file's extension: sources run with type stripping, the package as plain JavaScript. */
const CHILD_FILE = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));

/** The longest call reads an index of gigabytes from a slow disk. */
const ANSWERS_WITHIN_MS = 120_000;

export interface ProcessMachineOptions {
  /** Idle time in milliseconds after which the process ends, with its sets. */
  idleMs: number;
}

/** A machine in a process of its own, and the ID of that process while it runs. */
export interface ProcessMachine extends VectorMachine {
  readonly pid: number | undefined;
}

/**
 * Runs a machine in a child process. The process starts with the first call, ends when idle, and starts again with the
 * next call; its sets are gone then. A call that is not answered within two minutes ends the process.
 */
export function createProcessMachine({ idleMs }: ProcessMachineOptions): ProcessMachine {
  let running: Running | undefined;
  let idle: NodeJS.Timeout | undefined;

  async function call(method: Method, ...given: unknown[]): Promise<Result> {
    clearTimeout(idle);
    // A process that ended has lost its sets. The caller opens them again.
    if (running?.ended === true) running = undefined;
    running ??= start();
    const current = running;
    const [set] = given as [string];
    if (method === 'open') current.sets.add(set);
    else if (!current.sets.has(set)) throw new MachineEndedError('The search process that held the set has ended.');
    try {
      return await current.call(method, given);
    } finally {
      clearTimeout(idle);
      idle = setTimeout(() => current.idle && current.kill('ended when idle'), idleMs);
      idle.unref();
    }
  }

  return {
    get pid() {
      return running?.ended === false ? running.pid : undefined;
    },
    open: async (...given) => void (await call('open', ...given)),
    add: async (...given) => void (await call('add', ...given)),
    find: async (...given) => (await call('find', ...given)) as Candidates,
    findPairs: async (...given) => (await call('findPairs', ...given)) as Pairs,
    link: async (set) => (await call('link', set)) as number,
    drop: async (set) => {
      if (running?.sets.delete(set) && !running.ended) await running.call('drop', [set]);
    },
    async close() {
      clearTimeout(idle);
      running?.kill('was closed');
      running = undefined;
    },
  };
}

/** A process, the sets that were opened in it, and the calls that it has not answered. */
interface Running {
  readonly sets: Set<string>;
  readonly pid: number | undefined;
  readonly ended: boolean;
  readonly idle: boolean;
  call(method: Method, given: unknown[]): Promise<Result>;
  kill(how: string): void;
}

function start(): Running {
  const child = fork(CHILD_FILE, {
    serialization: 'advanced',
    execArgv: [],
    // stdout belongs to the results of a command.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const open = new Map<number, PromiseWithResolvers<Result>>();
  let last = 0;
  let ended: MachineEndedError | undefined;

  function end(how: string): void {
    if (ended !== undefined) return;
    ended = new MachineEndedError(`The search process ${how}.`);
    for (const { reject } of open.values()) reject(ended);
    open.clear();
  }
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
    sets: new Set(),
    pid: child.pid,
    get ended() {
      return ended !== undefined;
    },
    get idle() {
      return open.size === 0;
    },
    async call(method, given) {
      if (ended !== undefined) throw ended;
      last += 1;
      const message: Call = { id: last, method, arguments: given };
      const asked = Promise.withResolvers<Result>();
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
