import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Order, Reply } from './messages.ts';

/** Type stripping runs the sources, plain JavaScript the package: the file to fork ends as this one does. */
const CHILD_FILE = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));

/** What a decoder needs of the environment: it reads what strangers made, and has no use for our secrets. */
const ENVIRONMENT = /^(?:PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|SystemRoot|LD_\w+|DYLD_\w+|XDG_\w+|FONTCONFIG_\w+)$/i;

/** One picture is drawn at a time, but several are opened. */
const THREADS = '4';

const START_MS = 60_000;

/** Why there is no reply. */
export class DecoderDiedError extends Error {
  override readonly name = 'DecoderDiedError';
  /** Whether it had been working: what it had to decode may be the cause. */
  readonly wasReady: boolean;

  constructor(how: string, wasReady: boolean) {
    super(`the process that decodes images ${how}`);
    this.wasReady = wasReady;
  }
}

/** A process that follows one order at a time. */
export interface DecoderProcess {
  readonly pid: number | undefined;
  /** Resolves when it takes orders. @throws DecoderDiedError */
  readonly ready: Promise<void>;
  /** @throws DecoderDiedError */
  ask(order: Order): Promise<Reply>;
  /** Ends it at once, whatever it does. */
  kill(): void;
}

/** `onEnd` is called once, whatever ends it. An idle one does not keep its parent alive. */
export function startDecoder(onEnd: () => void): DecoderProcess {
  const child = fork(CHILD_FILE, {
    serialization: 'advanced',
    execArgv: ['--max-semi-space-size=2'],
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => ENVIRONMENT.test(name))),
      UV_THREADPOOL_SIZE: THREADS,
    },
    // GLib has a line for each oddity of a picture.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ready = Promise.withResolvers<void>();
  // Whoever starts one may be gone before it is ready.
  ready.promise.catch(() => {});
  let isReady = false;
  let ended: DecoderDiedError | undefined;
  let asked: PromiseWithResolvers<Reply> | undefined;

  const start = setTimeout(() => kill(`was not ready within ${START_MS / 1000} s`), START_MS).unref();

  function end(how: string): void {
    if (ended !== undefined) return;
    clearTimeout(start);
    ended = new DecoderDiedError(how, isReady);
    ready.reject(ended);
    asked?.reject(ended);
    onEnd();
  }
  child.on('message', (message: Reply | 'ready') => {
    if (message === 'ready') {
      isReady = true;
      clearTimeout(start);
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
    // One that waits for a disk that hangs can't end before the disk answers: nobody waits for that.
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
