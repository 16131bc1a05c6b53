import { readdir, readFile } from 'node:fs/promises';

/** Each look reads every process of the machine, which two cores notice. */
const POLL_MS = 2000;

/** Names of processes by process ID. */
export type ProcessNames = ReadonlyMap<number, string>;

export interface PeakMemory {
  /** Stops watching and returns the peak resident bytes of each process, by name. */
  end(): Promise<Record<string, number>>;
}

/**
 * Watches the peak memory of processes (Linux VmHWM). The value never falls, so occasional readings miss only what a
 * process took just before it ended. Other systems do not report it, and the result is empty.
 */
export function watchPeakMemory(processes: () => Promise<ProcessNames>): PeakMemory {
  const peaks = new Map<string, number>();
  const look = async () => {
    for (const [pid, name] of await processes()) {
      const bytes = await highWaterMark(pid);
      if (bytes !== undefined) peaks.set(name, Math.max(bytes, peaks.get(name) ?? 0));
    }
  };
  let looking = Promise.resolve();
  const poll = setInterval(() => {
    looking = looking.then(look);
  }, POLL_MS);
  return {
    async end() {
      clearInterval(poll);
      await looking;
      await look();
      return Object.fromEntries(peaks);
    },
  };
}

/** Finds the children of a process that run a script, by the end of its file name. */
export async function childrenRunning(parent: number, script: string): Promise<number[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const status = await readFile(`/proc/${pid}/status`, 'utf8');
        if (Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]) !== parent) return [];
        const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
        return command.some((word) => word.endsWith(script)) ? [pid] : [];
      } catch {
        return [];
      }
    }),
  );
  return found.flat();
}

/** A process's peak resident memory, in bytes. Undefined if the system does not report it. */
export async function highWaterMark(pid: number): Promise<number | undefined> {
  try {
    const kib = /^VmHWM:\s*(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}
