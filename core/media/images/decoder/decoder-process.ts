import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterTicks } from '../../../concurrency/after-ticks.ts';
import type { Order, Reply } from './messages.ts';

/** The child's file has this file's extension: sources run with type stripping, the package as plain JavaScript. */
const CHILD_FILE = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));

/** The variables that a decoder needs. It reads untrusted files, so it receives no secrets. */
const ENVIRONMENT = /^(?:PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|SystemRoot|LD_\w+|DYLD_\w+|XDG_\w+|FONTCONFIG_\w+)$/i;

/** A decoder draws one picture at a time but opens several. */
const THREADS = '4';

const START_TIMEOUT_MS = 60_000;

/** A decoder process ended before it replied. */
export class DecoderDiedError extends Error {
  override readonly name = 'DecoderDiedError';
  /** Whether it had been ready. If so, the picture may be the cause. */
  readonly wasReady: boolean;

  constructor(how: string, wasReady: boolean) {
    super(`the process that decodes images ${how}`);
    this.wasReady = wasReady;
  }
}

/** A process that handles one request at a time. */
export interface DecoderProcess {
  readonly pid: number | undefined;
  /**
   * Resolves when it accepts requests.
   *
   * @throws DecoderDiedError
   */
  readonly ready: Promise<void>;
  /**
   * Sends a request and waits for its reply.
   *
   * @throws DecoderDiedError
   */
  ask(order: Order): Promise<Reply>;
  /** Ends the process at once. */
  kill(): void;
}

/**
 * Forks a decoder process. Calls `onEnd` once, whatever ends the process. An idle process does not keep its parent
 * alive.
 */
export function startDecoder(onEnd: () => void): DecoderProcess {
  const child = fork(CHILD_FILE, {
    serialization: 'advanced',
    execArgv: ['--max-semi-space-size=2'],
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => ENVIRONMENT.test(name))),
      UV_THREADPOOL_SIZE: THREADS,
    },
    // GLib writes a line for each deviation in a picture.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ready = Promise.withResolvers<void>();
  // The caller may be gone before the process is ready.
  ready.promise.catch(() => {});
  let isReady = false;
  let ended: DecoderDiedError | undefined;
  let asked: PromiseWithResolvers<Reply> | undefined;

  const endStart = afterTicks(START_TIMEOUT_MS, () => kill(`was not ready within ${START_TIMEOUT_MS / 1000} s`));

  function end(how: string): void {
    if (ended !== undefined) return;
    endStart();
    ended = new DecoderDiedError(how, isReady);
    ready.reject(ended);
    asked?.reject(ended);
    onEnd();
  }
  child.on('message', (message: Reply | 'ready') => {
    if (message === 'ready') {
      isReady = true;
      endStart();
      ready.resolve();
      return;
    }
    setIdle(child, true);
    asked?.resolve(message);
  });
  child.on('exit', (code, signal) => end(signal ? `was ended by ${signal}` : `exited with code ${code}`));
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
      asked = Promise.withResolvers<Reply>();
      if (ended !== undefined) asked.reject(ended);
      else {
        setIdle(child, false);
        child.send(order, () => {});
      }
      return asked.promise;
    },
    kill: () => kill(),
  };
}

function setIdle(child: ChildProcess, idle: boolean): void {
  for (const handle of [child, child.channel]) {
    if (idle) handle?.unref();
    else handle?.ref();
  }
}
