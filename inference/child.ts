/** The part of a child process that encoders and decoders share. */
import { once } from 'node:events';
import { extname } from 'node:path';
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { offerToEnd } from '../core/concurrency/offer-to-end.ts';

/**
 * Makes this process end with its worker, and starts its pulse. Resolves when the pulse beats: it can't start while the main
 * thread is at work, and a process that stands still without ever having had one is not noticed.
 */
export async function beginChild(): Promise<void> {
  // `exit` would wait for the decoding threads.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // A Ctrl-C for the worker also reaches this process. The worker decides what to do.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});

  offerToEnd();

  const pulse = new Worker(new URL(`./pulse-thread${extname(import.meta.url)}`, import.meta.url), {
    // V8 would let garbage fill a large heap before it collects any.
    resourceLimits: { maxYoungGenerationSizeMb: 1 },
  });
  await once(pulse, 'message');
}

/** Resolves once the message is handed to the system, so a crash right afterwards does not lose it. */
export function reply<Reply extends object>(message: Reply): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, () => resolve());
  });
}
