import { MachineEndedError } from '../core/search/vector-machine.ts';
import { type SearchProcess, startSearchProcess } from './child-process.ts';
import type { Role } from './messages.ts';

export interface ProcessOptions {
  /** Idle time in milliseconds after which the process ends, with its sets. */
  idleMs: number;
}

/** Sets that a process of its own holds. */
export interface ProcessSets {
  /** The ID of the process while it runs. */
  readonly pid: number | undefined;
  /**
   * Calls a method with the name of a set and more.
   *
   * @throws MachineEndedError when the process that held the set has ended
   */
  call(method: string, set: string, ...given: readonly unknown[]): Promise<unknown>;
  /** Forgets a set. */
  drop(set: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Runs what holds sets in a child process. The process starts with the first call, ends when idle, and starts again with
 * the next call; its sets are gone then. See startSearchProcess for its deadline.
 */
export function createProcessSets(role: Role, { idleMs }: ProcessOptions): ProcessSets {
  let running: SearchProcess | undefined;
  /** The sets that were opened in it. */
  let sets = new Set<string>();
  let idle: NodeJS.Timeout | undefined;

  return {
    get pid() {
      return running?.ended === false ? running.pid : undefined;
    },
    async call(method, set, ...given) {
      clearTimeout(idle);
      // A process that ended has lost its sets. The caller opens them again.
      if (running === undefined || running.ended) {
        running = startSearchProcess(role);
        sets = new Set();
      }
      const current = running;
      if (method === 'open') sets.add(set);
      else if (!sets.has(set)) throw new MachineEndedError('The search process that held the set has ended.');
      try {
        return await current.call(method, [set, ...given]);
      } finally {
        clearTimeout(idle);
        idle = setTimeout(() => current.idle && current.kill('ended when idle'), idleMs);
        idle.unref();
      }
    },
    async drop(set) {
      if (sets.delete(set) && running?.ended === false) await running.call('drop', [set]);
    },
    async close() {
      clearTimeout(idle);
      running?.kill('was closed');
      running = undefined;
    },
  };
}
