import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { Reply, Request } from './messages.ts';

/** Type stripping runs the sources, plain JavaScript the package: the file to fork ends as this one does. */
const CHILD_FILE = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './encoder.ts' : './encoder.js', import.meta.url),
);

const KEPT_STDERR_CHARACTERS = 300;

export interface EncoderProcess {
  readonly pid: number | undefined;
  send(request: Request): void;
  /** Ends it at once: it holds nothing that could be lost. `onExit` is called as for any other end. */
  kill(): void;
}

/**
 * Forks an encoder process. `onExit` is called once, whatever ends it: `reason` says how it ended, and what it wrote last.
 */
export function startEncoderProcess(
  threads: number,
  { onReply, onExit }: { onReply: (reply: Reply) => void; onExit: (reason: string) => void },
): EncoderProcess {
  const child = fork(CHILD_FILE, {
    serialization: 'advanced',
    execArgv: [],
    env: { ...process.env, UV_THREADPOOL_SIZE: String(threads) },
    // Nothing may mix with the results that a command writes to stdout.
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
    // Also what a failed send reports; the process may be alive then, and must not be left behind.
    child.kill('SIGKILL');
    end(`it can't be reached: ${error.message}`);
  });

  return {
    pid: child.pid,
    send(request) {
      // Errors need no handling here: a process that can't be written to is about to exit.
      if (child.connected) child.send(request, () => {});
    },
    kill() {
      child.kill('SIGKILL');
    },
  };
}

/** Passes the process's stderr on and keeps its end: native code says there why it gives up. */
function keepEnd(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk);
    text = (text + chunk.toString()).slice(-2 * KEPT_STDERR_CHARACTERS);
  });
  return () => stripVTControlCharacters(text).trim().slice(-KEPT_STDERR_CHARACTERS);
}
