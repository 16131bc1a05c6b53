import { type ClusterTime, clusterTime, isWrittenSince } from '../../store/cluster-time.ts';
import { allWords, type StoredWords, wordsOfSeqs, wordsWrittenSince } from '../../store/search-words.ts';
import { slicesOf } from '../../store/slices.ts';
import type { Store } from '../../store/store.ts';
import { forgetOldest } from '../forget-oldest.ts';
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
        await takeInNew(datasetId, held);
        return held;
      } catch (error) {
        if (!(error instanceof MachineEndedError)) throw error;
      }
    }
    sets.delete(datasetId);
    if (held !== undefined) await machine.drop(held.name).catch(() => undefined);
    const fresh = await open(datasetId);
    sets.set(datasetId, fresh);
    await forgetOldest(sets, { keep: datasetId, mostBytes, machine });
    return fresh;
  }

  const isOvergrown = ({ added, texts }: HeldSet) => added - texts > Math.max(FEWEST_REPLACED, REPLACED_PART * texts);

  async function open(datasetId: string): Promise<HeldSet> {
    opened += 1;
    const held: HeldSet = {
      name: `${datasetId} ${opened}`,
      added: 0,
      texts: 0,
      bytes: 0,
      upTo: await clusterTime(store),
      recent: new Map(),
      searchedAt: performance.now(),
    };
    await machine.open(held.name);
    const stored = allWords(store, datasetId);
    try {
      let batch: StoredWords[] = [];
      for await (const { written, ...words } of stored) {
        if (isWrittenSince(written, held.upTo)) held.recent.set(words.seq, written.toString());
        if (batch.push(words) < BATCH) continue;
        await add(held, batch);
        batch = [];
      }
      await add(held, batch);
      return held;
    } catch (error) {
      await machine.drop(held.name).catch(() => undefined);
      throw error;
    } finally {
      await stored.close();
    }
  }

  async function takeInNew(datasetId: string, held: HeldSet): Promise<void> {
    const { found, at } = await wordsWrittenSince(store, datasetId, held.upTo);
    const unknown = found.filter(({ seq, written }) => held.recent.get(seq) !== written).map(({ seq }) => seq);
    for (const slice of slicesOf(unknown, BATCH)) await add(held, await wordsOfSeqs(store, datasetId, slice));
    held.recent = new Map(found.map(({ seq, written }) => [seq, written]));
    held.upTo = at;
  }

  async function add(held: HeldSet, batch: readonly StoredWords[]): Promise<void> {
    if (batch.length === 0) return;
    const { texts, bytes } = await machine.add(
      held.name,
      batch.map(({ seq }) => seq),
      batch.map(({ words }) => words),
    );
    held.added += batch.length;
    held.texts = texts;
    held.bytes = bytes;
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
