import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterTicks } from '../core/concurrency/after-ticks.ts';
import { cudaEnvironment } from '../core/cuda/find-cuda.ts';
import { withoutSecrets } from '../core/processes/environment.ts';
import { PULSE_FD } from './messages.ts';

/** Decoders read untrusted files. Encoders get what GPUs' libraries may look for. */
const ENVIRONMENTS = {
  decoder: withoutSecrets,
  encoder: (env: NodeJS.ProcessEnv) => ({ ...env, ...cudaEnvironment(env) }),
};

const KEPT_STDERR_CHARACTERS = 300;

const KILLED_WITHIN_MS = 5000;

/** A program of this folder, and how it is run. */
export interface Program {
  /** Its module, without the extension: sources run with type stripping, the package as plain JavaScript. */
  module: 'encoder' | 'decoder';
  /** Threads for files, hashes and decoding. */
  threads: number;
  /** The descriptor of the file of frames, which the process gets as FRAMES_FD. */
  framesFd: number;
  execArgv: readonly string[];
  /** A process whose pulse has stopped for so long, counted from its first byte, is killed. In milliseconds. */
  silenceTimeoutMs: number;
  /** What the process prints is no news for the log. */
  isTrial?: boolean | undefined;
}

/** A forked process that shows by its pulse that it does not stand still. */
export interface PulsingProcess<Request> {
  readonly pid: number | undefined;
  send(request: Request): void;
  /** Ends the process at once; it holds no state worth saving. `onExit` is called as for any other end. */
  kill(): void;
  /** Ends a process that hangs. `how` says what it did, for the reason of its end. */
  killHung(how: string): void;
}

/** How a process ended. */
export interface ProcessEnd {
  /** Says how it ended, and quotes its last output. */
  reason: string;
  /** Whether it was killed because it hung. */
  hung: boolean;
}

/** What a process says, and its end. Each of the last two is called once. */
export interface ProcessEvents<Reply> {
  onReply(reply: Reply): void;
  /** The process has ended, or is of no use any more. */
  onExit(end: ProcessEnd): void;
  /** The process is gone and writes nothing more. One that a driver holds outlives SIGKILL, and `onExit` comes before. */
  onGone?(): void;
}

/** Forks a process. A failure to do so is its end. */
export function startPulsingProcess<Request extends object, Reply>(
  program: Program,
  events: ProcessEvents<Reply>,
): PulsingProcess<Request> {
  try {
    return startChild(program, events);
  } catch (error) {
    setImmediate(() => {
      events.onExit({ reason: `it can't be started: ${(error as Error).message}`, hung: false });
      events.onGone?.();
    });
    return { pid: undefined, send: () => {}, kill: () => {}, killHung: () => {} };
  }
}

function startChild<Request extends object, Reply>(
  { module, threads, framesFd, execArgv, silenceTimeoutMs, isTrial }: Program,
  { onReply, onExit, onGone = () => {} }: ProcessEvents<Reply>,
): PulsingProcess<Request> {
  const child = fork(fileURLToPath(new URL(`./${module}${extname(import.meta.url)}`, import.meta.url)), {
    serialization: 'advanced',
    execArgv: [...execArgv],
    env: { ...ENVIRONMENTS[module](process.env), UV_THREADPOOL_SIZE: String(threads) },
    // stdout belongs to the results of a command.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe', framesFd],
  });
  let ended = false;
  let hung: string | undefined;
  let endSilence = () => 0;

  child.on('error', (error) => {
    // A failed send also raises this event. The process may then be alive and must not be left behind.
    child.kill('SIGKILL');
    end(`it can't be reached: ${error.message}`);
    if (child.pid === undefined) onGone();
  });
  const lastWords = keepEnd(child, isTrial);

  function end(how: string): void {
    if (ended) return;
    ended = true;
    endSilence();
    const words = lastWords();
    const cause = hung ?? how;
    onExit({ reason: words === '' ? cause : `${cause}; its last words: ${words}`, hung: hung !== undefined });
  }
  /** A process that a driver holds does not end. The worker then goes on without it. */
  function kill(): void {
    child.kill('SIGKILL');
    setTimeout(() => end('SIGKILL did not end it'), KILLED_WITHIN_MS).unref();
  }
  function killHung(how: string): void {
    hung ??= how;
    kill();
  }
  // Without descriptors for pipes there is none.
  const pulse = child.stdio?.[PULSE_FD] as Readable | null | undefined;
  pulse?.on('data', () => {
    endSilence();
    endSilence = afterTicks(silenceTimeoutMs, () =>
      killHung(`it stood still for ${Math.round(silenceTimeoutMs / 1000)} s`),
    );
  });
  child.on('message', (message) => {
    if (!ended) onReply(message as Reply);
  });
  child.on('exit', (code, signal) => {
    end(signal ? `it was ended by ${signal}` : `it exited with code ${code}`);
    onGone();
  });

  return {
    pid: child.pid,
    send(request) {
      // A process that can't be written to is about to exit, and its exit is handled elsewhere.
      if (child.connected) child.send(request, () => {});
    },
    kill,
    killHung,
  };
}

/** Forwards the process's stderr, unless it is a trial, and keeps its last part, where native code explains a crash. */
function keepEnd(child: ChildProcess, isTrial = false): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (!isTrial) process.stderr.write(chunk);
    text = (text + chunk.toString()).slice(-2 * KEPT_STDERR_CHARACTERS);
  });
  return () => stripVTControlCharacters(text).trim().slice(-KEPT_STDERR_CHARACTERS);
}
