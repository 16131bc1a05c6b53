import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createExclusively } from './create-exclusively.ts';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';

export interface LockOptions {
  /** Called once if another process holds the lock, before waiting for it. */
  onWait: (holderPid: number) => void;
  signal: AbortSignal | undefined;
}

/**
 * Runs `work` while no other process on this machine runs work under the same lock file. The lock of a dead process is
 * taken over.
 */
export async function withProcessLock<T>(
  file: string,
  { onWait, signal }: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  let told = false;
  while (!(await takeLock(file))) {
    const holder = await readHolder(file);
    if (!holder || !(await isRunning(holder))) {
      await rm(file, { force: true });
      continue;
    }
    if (!told) onWait(holder.pid);
    told = true;
    await delay(250, undefined, { signal });
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function takeLock(file: string): Promise<boolean> {
  return createExclusively(file, JSON.stringify(await identify(process.pid)));
}

async function readHolder(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
