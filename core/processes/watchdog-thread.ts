/** The thread that looks 20 times a second whether its process may go on. */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import { OUT_OF_MEMORY } from './out-of-memory.ts';
import type { WatchdogData } from './watchdog.ts';

const LOOK_MS = 50;
const STDERR = 2;

const { work, maxBytes, parent } = workerData as WatchdogData;

parentPort?.postMessage('looking');
for (;;) {
  Atomics.wait(work, 0, 0);
  // Ends early when the work is done.
  Atomics.wait(work, 0, 1, LOOK_MS);
  if (process.memoryUsage.rss() > maxBytes) end(OUT_OF_MEMORY);
  if (process.ppid !== parent) end('its parent is gone');
}

function end(why: string): void {
  try {
    writeSync(STDERR, why);
  } catch {
    // Nobody reads it any more.
  }
  process.kill(process.pid, 'SIGKILL');
}
