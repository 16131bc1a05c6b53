import { readFile } from 'node:fs/promises';

/** Linux reports CPU time to user space in these ticks per second, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU that each process has used since it began, by name; empty if the system does not report it. */
export async function cpuSeconds(pids: Readonly<Record<string, number>>): Promise<Record<string, number>> {
  const seconds: Record<string, number> = {};
  for (const [name, pid] of Object.entries(pids)) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (stat === undefined) continue;
    // The command name is in parentheses and may contain spaces, so fields are counted after the last parenthesis.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    seconds[name] = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }
  return seconds;
}

/** Seconds of CPU that each process used between two readings. */
export function cpuBetween(before: Record<string, number>, now: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(now).map(([name, seconds]) => [name, Math.round((seconds - (before[name] ?? 0)) * 100) / 100]),
  );
}
