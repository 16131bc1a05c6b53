import { type ChildProcess, fork } from 'node:child_process';
import process from 'node:process';
import { stripVTControlCharacters } from 'node:util';
import { afterTicks } from '../concurrency/after-ticks.ts';
import { withoutSecrets } from './environment.ts';
import type { Answer, Message } from './messages.ts';

const START_TIMEOUT_MS = 60_000;

const KEPT_STDERR_CHARACTERS = 1000;

/** The program of a killable process. */
export interface Program {
  /** Path of the module. It calls `answerParent`. */
  file: string;
  /** Its task, for messages: `decodes images`. */
  does: string;
  arguments?: readonly string[];
  execArgv: readonly string[];
  /** Threads for files and zlib. */
  threads: number;
}

/** A process ended before it answered. */
export class ProcessDiedError extends Error {
  override readonly name = 'ProcessDiedError';
  /** Whether it had been ready. If so, the order may be the cause. */
  readonly wasReady: boolean;
  /** The end of its stderr. */
  readonly lastWords: string;

  constructor(message: string, wasReady: boolean, lastWords: string) {
    super(message);
    this.wasReady = wasReady;
    this.lastWords = lastWords;
  }
}

/** A process that handles one order at a time. */
export interface KillableProcess {
  readonly pid: number | undefined;
  /**
   * Resolves when it accepts orders.
   *
   * @throws ProcessDiedError
   */
  readonly ready: Promise<void>;
  /**
   * Sends an order and waits for its answer.
   *
   * @throws ProcessDiedError
   */
  ask(order: unknown): Promise<Answer>;
  /** Ends the process at once. */
  kill(): void;
}

/**
 * Forks a process. Calls `onEnd` once, whatever ends the process. An idle process does not keep its parent alive.
 */
export function startProcess(program: Program, onEnd: () => void): KillableProcess {
  const child = fork(program.file, program.arguments, {
    serialization: 'advanced',
    execArgv: [...program.execArgv],
    env: {
      ...withoutSecrets(process.env),
      UV_THREADPOOL_SIZE: String(program.threads),
    },
    // Libraries write a line for each oddity of a file.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const lastWords = keepEnd(child);
  const ready = Promise.withResolvers<void>();
  // The caller may be gone before the process is ready.
  ready.promise.catch(() => {});
  let isReady = false;
  let ended: ProcessDiedError | undefined;
  let asked: PromiseWithResolvers<Answer> | undefined;

  const endStart = afterTicks(START_TIMEOUT_MS, () => kill(`was not ready within ${START_TIMEOUT_MS / 1000} s`));

  function end(how: string): void {
    if (ended !== undefined) return;
    endStart();
    ended = new ProcessDiedError(`the process that ${program.does} ${how}`, isReady, lastWords());
    ready.reject(ended);
    asked?.reject(ended);
    onEnd();
  }
  child.on('message', (message: Message) => {
    if (message === 'ready') {
      isReady = true;
      endStart();
      ready.resolve();
      return;
    }
    setIdle(child, true);
    asked?.resolve(message);
  });
  // `close` and not `exit`, which may come before the last words.
  child.on('close', (code, signal) => end(signal ? `was ended by ${signal}` : `exited with code ${code}`));
  child.on('error', (error) => {
    child.kill('SIGKILL');
    end(`can't be reached: ${error.message}`);
  });

  function kill(how = 'was ended'): void {
    child.kill('SIGKILL');
    // A process that waits for a hanging disk can't end until the disk answers. The parent does not wait for it.
    setIdle(child, true);
    end(how);
  }

  return {
    pid: child.pid,
    ready: ready.promise,
    ask(order) {
      asked = Promise.withResolvers<Answer>();
      if (ended !== undefined) asked.reject(ended);
      else {
        setIdle(child, false);
        child.send(order as object, () => {});
      }
      return asked.promise;
    },
    kill: () => kill(),
  };
}

/** Keeps the last part of a process's stderr, where V8 and native code explain a crash. */
function keepEnd(child: ChildProcess): () => string {
  let text = '';
  // An idle process does not keep its parent alive.
  (child.stderr as unknown as { unref(): void } | null)?.unref();
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-KEPT_STDERR_CHARACTERS);
  });
  return () => stripVTControlCharacters(text).trim();
}

function setIdle(child: ChildProcess, idle: boolean): void {
  for (const handle of [child, child.channel]) {
    if (idle) handle?.unref();
    else handle?.ref();
  }
}
