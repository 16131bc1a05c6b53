import { MachineEndedError } from '../vector-machine.ts';
import { createPostings, type FoundTexts, type Postings } from './postings.ts';

/**
 * Holds the words of datasets in memory and finds texts by them. Its work blocks a thread, so `search/` runs it in a
 * process of its own. Every method throws MachineEndedError when that process has ended; its sets are gone then.
 */
export interface WordMachine {
  /** Opens an empty set. */
  open(set: string): Promise<void>;
  /** Adds texts as `packWords` gives them. A later text of a seq replaces an earlier one. */
  add(set: string, seqs: readonly number[], texts: readonly Uint8Array[]): Promise<SetSize>;
  /** Finds up to `count` texts that have a word with one of these hashes, `among` these seqs if given. */
  find(set: string, hashes: readonly number[], count: number, among?: readonly number[]): Promise<FoundTexts>;
  /** Forgets a set. */
  drop(set: string): Promise<void>;
  close(): Promise<void>;
}

/** How much of a set is in memory. */
export interface SetSize {
  /** Texts that are not replaced. */
  texts: number;
  /** About how many bytes it takes. */
  bytes: number;
}

/** Holds words in this process. */
export function createLocalWords(): WordMachine {
  const sets = new Map<string, Postings>();
  const setOf = (name: string): Postings => {
    const set = sets.get(name);
    if (set === undefined) throw new MachineEndedError(`The set ${name} is not open.`);
    return set;
  };
  return {
    async open(name) {
      sets.set(name, createPostings());
    },
    async add(name, seqs, texts) {
      const set = setOf(name);
      set.add(seqs, texts);
      return { texts: set.count, bytes: set.bytes };
    },
    async find(name, hashes, count, among) {
      return setOf(name).find(hashes, count, among);
    },
    async drop(name) {
      sets.delete(name);
    },
    async close() {
      sets.clear();
    },
  };
}
