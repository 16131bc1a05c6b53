import { readdir, readFile } from 'node:fs/promises';
import { cpuSeconds } from './cpu-time.ts';
import { highWaterMark } from './peak-memory.ts';

/** The cost of an item: milliseconds of CPU time, and voluntary context switches. */
export interface Usage {
  cpuMs: number;
  contextSwitches: number;
}

interface Reading {
  cpuMs: number;
  contextSwitches: number;
  peakBytes: number;
}

/** Reads the usage of processes since they began, by kind. */
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

/** The cost of each of `items`, and the peak memory, between two readings. */
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
  const threads = await readdir(`/proc/${pid}/task`);
  const switches = await Promise.all(
    threads.map(async (thread) => {
      const status = await readFile(`/proc/${pid}/task/${thread}/status`, 'utf8').catch(() => '');
      return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1] ?? 0);
    }),
  );
  const { used = Number.NaN } = await cpuSeconds(new Map([[pid, 'used']]));
  return {
    cpuMs: used * 1000,
    contextSwitches: sum(switches),
    peakBytes: (await highWaterMark(pid)) ?? Number.NaN,
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const round = (value: number) => Math.round(value * 1000) / 1000;
