import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A floor: a process that does only the bare work, on request. It stays warm from run to run, as workers do. */
export interface BareProcess<Order> {
  readonly pid: number | undefined;
  /** Seconds that the work took, as the process measured it. */
  run(order: Order): Promise<number>;
  end(): void;
}

export interface BareAnswer {
  elapsedMs?: number;
  error?: string;
}

/** Starts a floor's process. @param script a script beside this file that calls `answerOrders` */
export function startBareProcess<Order extends object>(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): BareProcess<Order> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, { env });
  return {
    pid: child.pid,
    async run(order) {
      child.send(order);
      const { elapsedMs, error } = await answerOf(child, script);
      if (elapsedMs === undefined) throw new Error(`${script} failed: ${error}`);
      return elapsedMs / 1000;
    },
    end: () => child.connected && child.disconnect(),
  };
}

/** Runs in the floor's process: carries out orders until the parent disconnects. */
export function answerOrders<Order>(work: (order: Order) => Promise<number>): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', async (order: Order) => {
    const answer: BareAnswer = await work(order).then(
      (elapsedMs) => ({ elapsedMs }),
      (error: Error) => ({ error: error.stack ?? error.message }),
    );
    process.send?.(answer);
  });
}

async function answerOf(child: ChildProcess, script: string): Promise<BareAnswer> {
  const settled = new AbortController();
  const { signal } = settled;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([answer]) => answer as BareAnswer),
      once(child, 'exit', { signal }).then(([code]) => Promise.reject(new Error(`${script} ended with code ${code}`))),
    ]);
  } finally {
    settled.abort();
  }
}
