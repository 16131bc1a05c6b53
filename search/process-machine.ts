import { type Candidates, MachineEndedError, type Pairs, type VectorMachine } from '../core/search/vector-machine.ts';
import { type SearchProcess, startSearchProcess } from './child-process.ts';
import type { Method } from './messages.ts';

export interface ProcessMachineOptions {
  /** Idle time in milliseconds after which the process ends, with its sets. */
  idleMs: number;
}

/** A machine in a process of its own, and the ID of that process while it runs. */
export interface ProcessMachine extends VectorMachine {
  readonly pid: number | undefined;
}

/**
 * Runs a machine in a child process. The process starts with the first call, ends when idle, and starts again with the
 * next call; its sets are gone then. See startSearchProcess for its deadline.
 */
export function createProcessMachine({ idleMs }: ProcessMachineOptions): ProcessMachine {
  let running: SearchProcess | undefined;
  /** The sets that were opened in it. */
  let sets = new Set<string>();
  let idle: NodeJS.Timeout | undefined;

  async function call(method: Method, ...given: unknown[]): Promise<unknown> {
    clearTimeout(idle);
    // A process that ended has lost its sets. The caller opens them again.
    if (running === undefined || running.ended) {
      running = startSearchProcess('machine');
      sets = new Set();
    }
    const current = running;
    const [set] = given as [string];
    if (method === 'open') sets.add(set);
    else if (!sets.has(set)) throw new MachineEndedError('The search process that held the set has ended.');
    try {
      return await current.call(method, given);
    } finally {
      clearTimeout(idle);
      idle = setTimeout(() => current.idle && current.kill('ended when idle'), idleMs);
      idle.unref();
    }
  }

  return {
    get pid() {
      return running?.ended === false ? running.pid : undefined;
    },
    open: async (...given) => void (await call('open', ...given)),
    add: async (...given) => (await call('add', ...given)) as number,
    find: async (...given) => (await call('find', ...given)) as Candidates,
    findPairs: async (...given) => (await call('findPairs', ...given)) as Pairs,
    link: async (set) => (await call('link', set)) as number,
    drop: async (set) => {
      if (sets.delete(set) && running?.ended === false) await running.call('drop', [set]);
    },
    async close() {
      clearTimeout(idle);
      running?.kill('was closed');
      running = undefined;
    },
  };
}
