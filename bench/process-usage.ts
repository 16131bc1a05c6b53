import { readdir, readFile } from 'node:fs/promises';

/** Linux reports CPU time to user space in these ticks per second, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** What an item costs: milliseconds of CPU, and switches of a thread that waits. */
export interface Usage {
  cpuMs: number;
  contextSwitches: number;
}

interface Reading {
  cpuMs: number;
  contextSwitches: number;
  peakBytes: number;
}

/** Reads what processes have used since they began, by kind. */
export async function usageOf(kinds: Record<string, readonly number[]>): Promise<Record<string, Reading>> {
  const readings: Record<string, Reading> = {};
  for (const [kind, pids] of Object.entries(kinds)) {
    const each = await Promise.all(pids.map(usageOfProcess));
    readings[kind] = {
      cpuMs: sum(each.map(({ cpuMs }) => cpuMs)),
      contextSwitches: sum(each.map(({ contextSwitches }) => contextSwitches)),
      peakBytes: sum(each.map(({ peakBytes }) => peakBytes)),
    };
  }
  return readings;
}

/** What each of `items` cost between two readings. */
export function usageBetween(before: Record<string, Reading>, after: Record<string, Reading>, items: number) {
  const perItem: Record<string, Usage> = {};
  const peakBytes: Record<string, number> = {};
  for (const [kind, now] of Object.entries(after)) {
    const then = before[kind] as Reading;
    perItem[kind] = {
      cpuMs: round((now.cpuMs - then.cpuMs) / items),
      contextSwitches: round((now.contextSwitches - then.contextSwitches) / items),
    };
    peakBytes[kind] = now.peakBytes;
  }
  return { perItem, peakBytes };
}

async function usageOfProcess(pid: number): Promise<Reading> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number) as [number, number];
  const threads = await readdir(`/proc/${pid}/task`);
  const switches = await Promise.all(
    threads.map(async (thread) => {
      const status = await readFile(`/proc/${pid}/task/${thread}/status`, 'utf8').catch(() => '');
      return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1] ?? 0);
    }),
  );
  const peak = /^VmHWM:\s*(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return {
    cpuMs: ((user + system) * 1000) / TICKS_PER_SECOND,
    contextSwitches: sum(switches),
    peakBytes: Number(peak ?? Number.NaN) * 1024,
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const round = (value: number) => Math.round(value * 1000) / 1000;
