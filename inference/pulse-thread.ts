/**
 * The thread that writes a byte to the worker each second. The bytes stop if and only if the whole process stands still:
 * the main thread may compute a batch for minutes.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { parentPort } from 'node:worker_threads';
import { PULSE_FD } from './messages.ts';

const PULSE_MS = 1000;

function beat(): void {
  try {
    writeSync(PULSE_FD, '.');
  } catch {
    // The worker is gone. The main thread learns of that only after its batch.
    process.kill(process.pid, 'SIGKILL');
  }
}

beat();
parentPort?.postMessage('beating');
setInterval(beat, PULSE_MS);
