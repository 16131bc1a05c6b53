import type { Candidates, Pairs, VectorMachine } from '../core/search/vector-machine.ts';
import type { FoundTexts } from '../core/search/words/postings.ts';
import type { SetSize, WordMachine } from '../core/search/words/word-machine.ts';
import { createProcessSets, type ProcessOptions } from './process-sets.ts';

/** A machine in a process of its own, and the ID of that process while it runs. */
export interface ProcessMachine extends VectorMachine {
  readonly pid: number | undefined;
}

/** Runs a machine of vectors in a child process. */
export function createProcessMachine(options: ProcessOptions): ProcessMachine {
  const sets = createProcessSets('machine', options);
  return {
    get pid() {
      return sets.pid;
    },
    open: async (...given) => void (await sets.call('open', ...given)),
    add: async (...given) => (await sets.call('add', ...given)) as number,
    find: async (...given) => (await sets.call('find', ...given)) as Candidates,
    findPairs: async (...given) => (await sets.call('findPairs', ...given)) as Pairs,
    link: async (set) => (await sets.call('link', set)) as number,
    drop: sets.drop,
    close: sets.close,
  };
}

/** Runs a machine of words in a child process. */
export function createProcessWords(options: ProcessOptions): WordMachine {
  const sets = createProcessSets('words', options);
  return {
    open: async (set) => void (await sets.call('open', set)),
    add: async (...given) => (await sets.call('add', ...given)) as SetSize,
    find: async (...given) => (await sets.call('find', ...given)) as FoundTexts,
    drop: sets.drop,
    close: sets.close,
  };
}
