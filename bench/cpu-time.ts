import { readFile } from 'node:fs/promises';
import type { ProcessNames } from './peak-memory.ts';

/** Linux reports CPU time to user space in these ticks per second, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/**
 * Seconds of CPU that processes have used since they began, by name: together, those of one name. A process's include
 * those of its children that have ended. Empty if the system does not report it.
 */
export async function cpuSeconds(processes: ProcessNames): Promise<Record<string, number>> {
  const seconds: Record<string, number> = {};
  for (const [pid, name] of processes) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (stat === undefined) continue;
    // The command name is in parentheses and may contain spaces, so fields are counted after the last parenthesis.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    seconds[name] = (seconds[name] ?? 0) + ticks / TICKS_PER_SECOND;
  }
  return seconds;
}

/** Seconds of CPU that each process used between two readings. */
export function cpuBetween(before: Record<string, number>, now: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(now).map(([name, seconds]) => [name, Math.round((seconds - (before[name] ?? 0)) * 100) / 100]),
  );
}
