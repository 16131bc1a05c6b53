import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { Reply, Request } from './messages.ts';

/** The child's file has this file's extension: sources run with type stripping, the package as plain JavaScript. */
const CHILD_FILE = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './encoder.ts' : './encoder.js', import.meta.url),
);

const KEPT_STDERR_CHARACTERS = 300;

/** A forked encoder process. */
export interface EncoderProcess {
  readonly pid: number | undefined;
  send(request: Request): void;
  /** Ends the process at once; it holds no state worth saving. `onExit` is called as for any other end. */
  kill(): void;
}

/**
 * Forks an encoder process. Calls `onExit` once, whatever ends the process. `reason` says how it ended and quotes its
 * last output.
 */
export function startEncoderProcess(
  threads: number,
  { onReply, onExit }: { onReply: (reply: Reply) => void; onExit: (reason: string) => void },
): EncoderProcess {
  const child = fork(CHILD_FILE, {
    serialization: 'advanced',
    execArgv: [],
    env: { ...process.env, UV_THREADPOOL_SIZE: String(threads) },
    // stdout belongs to the results of a command.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const lastWords = keepEnd(child);
  let ended = false;

  function end(how: string): void {
    if (ended) return;
    ended = true;
    const words = lastWords();
    onExit(words === '' ? how : `${how}; its last words: ${words}`);
  }
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
    kill() {
      child.kill('SIGKILL');
    },
  };
}

/** Forwards the process's stderr and keeps its last part, where native code explains a crash. */
function keepEnd(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk);
    text = (text + chunk.toString()).slice(-2 * KEPT_STDERR_CHARACTERS);
  });
  return () => stripVTControlCharacters(text).trim().slice(-KEPT_STDERR_CHARACTERS);
}
