import { once } from 'node:events';
import { extname } from 'node:path';
import process from 'node:process';
import { Worker } from 'node:worker_threads';

/** Settings of the thread. `work[0]` is 1 while the process works, and 0 while it is idle. */
export interface WatchdogData {
  work: Int32Array<SharedArrayBuffer>;
  maxBytes: number;
  parent: number;
}

/** Runs a piece of work under watch. */
export type Watched = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Starts a thread that ends this process while it works, if its resident memory exceeds `maxBytes` or its parent is gone.
 * The main thread may be in the midst of a file and see neither. V8's own limit leaves out buffers. Resolves when the
 * thread looks: it can't start while the main thread is at work.
 */
export async function startWatchdog(maxBytes: number): Promise<Watched> {
  const work = new Int32Array(new SharedArrayBuffer(4));
  const workerData: WatchdogData = { work, maxBytes, parent: process.ppid };
  const thread = new Worker(new URL(`./watchdog-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData,
    execArgv: [],
  });
  // Without a watchdog, a file could take the machine's memory.
  thread.on('error', () => process.kill(process.pid, 'SIGKILL'));
  await once(thread, 'message');
  thread.unref();

  function set(value: 0 | 1): void {
    Atomics.store(work, 0, value);
    Atomics.notify(work, 0);
  }
  return async function watched(run) {
    set(1);
    try {
      return await run();
    } finally {
      set(0);
    }
  };
}
