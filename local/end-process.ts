import { setTimeout as delay } from 'node:timers/promises';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';

const POLL_MS = 20;

/**
 * Ends a process that leads its own group: SIGTERM to it, and after `graceMs` SIGKILL to the group, so that what it
 * started (an inference child) goes too. Resolves when it is gone. For processes that are not our children, or whose
 * exit event we can't have.
 */
export async function endProcess(target: ProcessIdentity, graceMs: number): Promise<void> {
  if (!(await isRunning(target))) return;
  signal(target.pid, 'SIGTERM');
  const killAtMs = performance.now() + graceMs;
  while (await isRunning(target)) {
    if (performance.now() >= killAtMs) signal(-target.pid, 'SIGKILL');
    await delay(POLL_MS);
  }
}

/** As endProcess, for a process known by its number only. */
export async function endPid(pid: number, graceMs: number): Promise<void> {
  const target = await identify(pid);
  if (target) await endProcess(target, graceMs);
}

/** Sends a signal; a process that has ended already is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
