import { afterTicks } from '../concurrency/after-ticks.ts';
import { type KillableProcess, type Program, startProcess } from './killable-process.ts';

/** An order took longer than its time. */
export class ProcessLateError extends Error {
  override readonly name = 'ProcessLateError';
}

/** Processes that run the same program, as many as there is work for. */
export interface ProcessPool {
  /**
   * Sends an order, and kills its process at the deadline. The time starts when a process takes the order, and is
   * counted in ticks of this process. The caller may try again once: the process may have been stopped, or its disk away.
   *
   * @throws ProcessLateError; ProcessDiedError; Error for a fault of the process
   */
  ask(order: unknown, timeoutMs: number): Promise<unknown>;
  /** Process IDs of the live processes. */
  pids(): number[];
  /** Ends all processes. Orders in progress, and those that wait, fail. */
  close(): void;
}

/** Options of `createProcessPool`. */
export interface ProcessPoolOptions {
  /** The most processes. Each handles one order at a time. */
  most: number;
  /** Idle time after which a process ends, in milliseconds. */
  idleMs?: number | undefined;
}

const IDLE_MS = 30_000;

/** Creates a pool that starts processes on demand. */
export function createProcessPool(program: Program, { most, idleMs = IDLE_MS }: ProcessPoolOptions): ProcessPool {
  const all = new Set<KillableProcess>();
  const idle = new Map<KillableProcess, NodeJS.Timeout>();
  const waiting: PromiseWithResolvers<KillableProcess>[] = [];

  function start(): KillableProcess {
    const started: KillableProcess = startProcess(program, () => {
      all.delete(started);
      clearTimeout(idle.get(started));
      idle.delete(started);
      if (waiting.length > 0 && all.size < most) waiting.shift()?.resolve(start());
    });
    all.add(started);
    return started;
  }

  async function take(): Promise<KillableProcess> {
    const [free] = [...idle.keys()].slice(-1);
    if (free !== undefined) {
      clearTimeout(idle.get(free));
      idle.delete(free);
      return free;
    }
    if (all.size < most) return start();
    const turn = Promise.withResolvers<KillableProcess>();
    waiting.push(turn);
    return await turn.promise;
  }

  function release(used: KillableProcess): void {
    if (!all.has(used)) return;
    const next = waiting.shift();
    if (next !== undefined) next.resolve(used);
    else idle.set(used, setTimeout(() => used.kill(), idleMs).unref());
  }

  return {
    async ask(order, timeoutMs) {
      const taken = await take();
      let isLate = false;
      let endCount = () => 0;
      try {
        await taken.ready;
        endCount = afterTicks(timeoutMs, () => {
          isLate = true;
          // The idle processes may have been stopped as well, and the next try would get one of them.
          for (const each of [taken, ...idle.keys()]) each.kill();
        });
        const answer = await taken.ask(order);
        if ('fault' in answer) throw new Error(answer.fault);
        return answer.result;
      } catch (error) {
        throw isLate ? new ProcessLateError(`the process that ${program.does} took too long`) : error;
      } finally {
        endCount();
        release(taken);
      }
    },
    pids: () => [...all].map(({ pid }) => pid).filter((pid) => pid !== undefined),
    close() {
      for (const { reject } of waiting.splice(0))
        reject(new Error(`closed before a process that ${program.does} was free`));
      for (const each of all) each.kill();
    },
  };
}
