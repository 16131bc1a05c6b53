import { execFile } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

/** The machine that the figures were measured on, without which they mean nothing. */
export interface Machine {
  cpu: string;
  cores: number;
  memory_bytes: number;
  platform: string;
  node: string;
  /** Undefined outside a checkout. */
  commit: string | undefined;
  /** Load average over the last minute before the run. */
  load_average: number;
}

export async function machineFacts(): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory_bytes: totalmem(),
    platform: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    commit: await commit(),
    load_average: loadavg()[0] ?? Number.NaN,
  };
}

/** Half a core of other work changes a figure by more than the targets allow. */
export function isBusy({ load_average }: Machine): boolean {
  return load_average > 0.5;
}

async function commit(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('git', ['describe', '--always', '--dirty', '--exclude', '*'], {
      cwd: import.meta.dirname,
    });
    return stdout.trim();
  } catch {
    return undefined;
  }
}
