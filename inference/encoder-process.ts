import { type ChildProcess, fork } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterTicks } from '../core/concurrency/after-ticks.ts';
import { PULSE_FD, type Reply, type Request } from './messages.ts';
import type { RunnerSettings } from './settings.ts';

/** The child's file has this file's extension: sources run with type stripping, the package as plain JavaScript. */
const CHILD_FILE = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './encoder.ts' : './encoder.js', import.meta.url),
);

const KEPT_STDERR_CHARACTERS = 300;

const KILLED_WITHIN_MS = 5000;

/** A forked encoder process. */
export interface EncoderProcess {
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

/**
 * Forks an encoder process. Calls `onExit` once, whatever ends the process. Kills the process when its pulse has stopped
 * for `silenceTimeoutMs`, counted from its first byte.
 */
export function startEncoderProcess(
  { threads, silenceTimeoutMs, isTrial }: Pick<RunnerSettings, 'threads' | 'silenceTimeoutMs' | 'isTrial'>,
  { onReply, onExit }: { onReply: (reply: Reply) => void; onExit: (end: ProcessEnd) => void },
): EncoderProcess {
  const child = fork(CHILD_FILE, {
    serialization: 'advanced',
    execArgv: [],
    env: { ...process.env, UV_THREADPOOL_SIZE: String(threads) },
    // stdout belongs to the results of a command.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
  });
  const lastWords = keepEnd(child, isTrial);
  let ended = false;
  let hung: string | undefined;
  let endSilence = () => 0;

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
  const pulse = child.stdio[PULSE_FD] as Readable | null | undefined;
  pulse?.on('data', () => {
    endSilence();
    endSilence = afterTicks(silenceTimeoutMs, () =>
      killHung(`it stood still for ${Math.round(silenceTimeoutMs / 1000)} s`),
    );
  });
  child.on('message', (message) => {
    if (!ended) onReply(message as Reply);
  });
  child.on('exit', (code, signal) => end(signal ? `it was ended by ${signal}` : `it exited with code ${code}`));
  child.on('error', (error) => {
    // A failed send also raises this event. The process may then be alive and must not be left behind.
    child.kill('SIGKILL');
    end(`it can't be reached: ${error.message}`);
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
