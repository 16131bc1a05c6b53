import { type ClusterTime, clusterTime, isWrittenSince } from '../../store/cluster-time.ts';
import { wordsSince } from '../../store/search-words.ts';
import type { Store } from '../../store/store.ts';
import { createRefreshes } from '../refreshes.ts';
import { MachineEndedError } from '../vector-machine.ts';
import type { FoundTexts } from './postings.ts';
import type { WordMachine } from './word-machine.ts';

/** Finds the samples of a dataset that have some words. */
export interface WordFinder {
  /**
   * Opens a dataset as it is now: every text that was stored before this call can be found. Texts of samples that have
   * changed or gone since are found, too.
   */
  at(datasetId: string): Promise<WordsAt>;
  close(): Promise<void>;
}

/** A dataset at one moment. */
export interface WordsAt {
  /** Finds up to `count` texts with a word of one of these hashes, best first, `among` these seqs if given. */
  find(hashes: readonly number[], count: number, among?: readonly number[]): Promise<FoundTexts>;
}

/** Texts that are handed to the machine at once. */
const BATCH = 2000;
/** Bytes of all sets that are kept in memory. */
const MOST_BYTES = 2 * 2 ** 30;
/** A set is opened anew when replaced texts are this part of those in use, and at least so many. */
const REPLACED_PART = 0.5;
const FEWEST_REPLACED = 1000;

/** A set that the machine holds. */
interface HeldSet {
  name: string;
  /** Texts that were added, and those of them that no later one has replaced. */
  added: number;
  texts: number;
  bytes: number;
  /** The machine holds what was written before this time. */
  upTo: ClusterTime;
  /** The last writes that it holds, by seq. */
  recent: Map<number, string>;
  searchedAt: number;
}

/** Finds texts by the words that samples are stored with. The machine holds those of the datasets searched last. */
export function createWordFinder(
  store: Store,
  { machine, mostBytes = MOST_BYTES }: { machine: WordMachine; mostBytes?: number },
): WordFinder {
  const sets = new Map<string, HeldSet>();
  let opened = 0;
  /** Opens a set or takes in what is new. */
  const refreshed = createRefreshes((datasetId: string) => datasetId, refresh);

  async function refresh(datasetId: string): Promise<HeldSet> {
    const held = sets.get(datasetId);
    if (held !== undefined && !isOvergrown(held)) {
      try {
        await takeInNew(datasetId, held, held.upTo);
        return held;
      } catch (error) {
        if (!(error instanceof MachineEndedError)) throw error;
      }
    }
    sets.delete(datasetId);
    if (held !== undefined) await machine.drop(held.name).catch(() => undefined);
    const fresh = await open(datasetId);
    sets.set(datasetId, fresh);
    await forgetOthers(datasetId);
    return fresh;
  }

  const isOvergrown = ({ added, texts }: HeldSet) => added - texts > Math.max(FEWEST_REPLACED, REPLACED_PART * texts);

  async function open(datasetId: string): Promise<HeldSet> {
    opened += 1;
    const name = `${datasetId} ${opened}`;
    const upTo = await clusterTime(store);
    const held: HeldSet = {
      name,
      added: 0,
      texts: 0,
      bytes: 0,
      upTo,
      recent: new Map(),
      searchedAt: performance.now(),
    };
    await machine.open(name);
    try {
      await takeInNew(datasetId, held, undefined);
      return held;
    } catch (error) {
      await machine.drop(name).catch(() => undefined);
      throw error;
    }
  }

  /** Takes in what was written since a time, or everything. */
  async function takeInNew(datasetId: string, held: HeldSet, since: ClusterTime | undefined): Promise<void> {
    const at = since === undefined ? held.upTo : await clusterTime(store);
    const recent = new Map<number, string>();
    let batch: { seq: number; words: Uint8Array }[] = [];
    const flush = async () => {
      if (batch.length === 0) return;
      const { texts, bytes } = await machine.add(
        held.name,
        batch.map(({ seq }) => seq),
        batch.map(({ words: packed }) => packed),
      );
      held.added += batch.length;
      held.texts = texts;
      held.bytes = bytes;
      batch = [];
    };
    const stored = wordsSince(store, datasetId, since);
    try {
      for await (const { seq, words, written } of stored) {
        if (isWrittenSince(written, at)) recent.set(seq, written.toString());
        if (since !== undefined && held.recent.get(seq) === written.toString()) continue;
        if (batch.push({ seq, words }) === BATCH) await flush();
      }
      await flush();
    } finally {
      await stored.close();
    }
    held.recent = recent;
    held.upTo = at;
  }

  /** Forgets the sets that were not searched for the longest time, until the rest fit into memory. */
  async function forgetOthers(kept: string): Promise<void> {
    const oldest = [...sets].filter(([key]) => key !== kept).sort(([, a], [, b]) => a.searchedAt - b.searchedAt);
    let total = [...sets.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [key, { name, bytes }] of oldest) {
      if (total <= mostBytes) return;
      sets.delete(key);
      total -= bytes;
      await machine.drop(name).catch(() => undefined);
    }
  }

  return {
    async at(datasetId) {
      let held = await refreshed(datasetId);
      return {
        async find(hashes, count, among) {
          held.searchedAt = performance.now();
          try {
            return await machine.find(held.name, hashes, count, among);
          } catch (error) {
            if (!(error instanceof MachineEndedError)) throw error;
            // The process has ended since, or another search has replaced the set.
            if (sets.get(datasetId) === held) sets.delete(datasetId);
            held = await refreshed(datasetId);
            return machine.find(held.name, hashes, count, among);
          }
        },
      };
    },
    async close() {
      sets.clear();
      await machine.close();
    },
  };
}
