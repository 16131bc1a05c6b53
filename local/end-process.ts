import { setTimeout as delay } from 'node:timers/promises';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';

const POLL_MS = 20;

/**
 * Ends a process that leads its own group: SIGTERM to the process, and after `graceMs` SIGKILL to the group, so that
 * its children (an inference process) end too. Resolves when the process is gone. Use it for processes that are not
 * children of this process, or whose exit event is not available.
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

/** Works as endProcess, for a process that is known only by its process ID. */
export async function endPid(pid: number, graceMs: number): Promise<void> {
  const target = await identify(pid);
  if (target) await endProcess(target, graceMs);
}

/** Sends a signal and ignores a process that has ended already. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
