import type { Timestamp } from 'mongodb';
import { type ClusterTime, clusterTime, isWrittenSince } from '../store/cluster-time.ts';
import { vectorsAfter, vectorsOfSeqs, vectorsWrittenSince } from '../store/search-vectors.ts';
import { slicesOf } from '../store/slices.ts';
import type { Store } from '../store/store.ts';
import type { Finder, SearchedSet } from './finder.ts';
import { forgetOldest } from './forget-oldest.ts';
import { createRefreshes } from './refreshes.ts';
import { type IndexFiles, MachineEndedError, type VectorMachine } from './vector-machine.ts';

/** The index of a set, whose vectors the machine need not read from MongoDB. */
export interface PublishedIndex {
  /** Changes with each build. */
  id: string;
  /** It holds every vector that was written before this time. */
  covers: ClusterTime;
  /** On this machine. Absent if another finder searches them. */
  files?: IndexFiles;
  vectors: number;
}

/** The published indexes whose files are on this machine. */
export interface Indexes {
  /** The newest one of a set. Called once a search, so it must be quick. */
  indexOf(set: SearchedSet): Promise<PublishedIndex | undefined>;
  /** Forgets one whose files are damaged. */
  forget(id: string): Promise<void>;
}

export interface LocalFinderOptions {
  machine: VectorMachine;
  /** Published indexes. Without them, vectors are read from MongoDB. */
  indexes?: Indexes;
  /** The most bytes of vectors that are kept in memory. Sets that were not searched for the longest time go first. */
  mostBytes?: number;
}

const MOST_BYTES = 4 * 2 ** 30;
/** Vectors that are read from MongoDB and handed to the machine at once. */
const BATCH = 1000;
/** The most candidates of one scan. */
const MOST_CANDIDATES = 20_000;
/** An index that could not be opened is not tried again for this long. */
const FAILED_MS = 30_000;
/** A set is opened anew when replaced rows are this part of those in use, and at least so many. */
const REPLACED_PART = 0.5;
const FEWEST_REPLACED = 1000;

/** A set that the machine holds. */
interface HeldSet {
  name: string;
  index: PublishedIndex | undefined;
  bytes: number;
  /** Rows that were added beside those of the index, and how many of them a later one has replaced. */
  added: number;
  replaced: number;
  /** The machine holds what was written before this time. */
  upTo: ClusterTime;
  /** The last writes that it holds, by seq. */
  recent: Map<number, string>;
  searchedAt: number;
}

/**
 * Finds candidates in vectors that a machine holds: those of the published index, and all that were written since. Before
 * the first index is published, the machine holds every vector, read from MongoDB.
 */
export function createLocalFinder(store: Store, options: LocalFinderOptions): Finder {
  const { machine, indexes, mostBytes = MOST_BYTES } = options;
  const sets = new Map<string, HeldSet>();
  /** When indexes could not be opened, by ID. */
  const failedAt = new Map<string, number>();
  let opened = 0;
  /** Opens a set or takes in what is new. */
  const refreshed = createRefreshes(keyOf, refresh);

  async function refresh(set: SearchedSet): Promise<HeldSet> {
    const key = keyOf(set);
    const held = sets.get(key);
    const newest = await indexes?.indexOf(set);
    const index = newest !== undefined && hasFailed(newest) ? held?.index : newest;
    const isCurrent = held !== undefined && held.index?.id === index?.id && !isOvergrown(held);
    if (!isCurrent || !(await hasTakenInNew(set, held))) {
      const fresh = await open(set, index, held);
      sets.set(key, fresh);
      if (held !== undefined && held !== fresh) await machine.drop(held.name).catch(() => undefined);
    }
    await forgetOldest(sets, { keep: key, mostBytes, machine });
    return sets.get(key) as HeldSet;
  }

  const hasFailed = ({ id }: PublishedIndex) =>
    performance.now() - (failedAt.get(id) ?? Number.NEGATIVE_INFINITY) < FAILED_MS;

  /** Rows that were replaced stay in memory. Opening the set again frees it of them. */
  const isOvergrown = ({ added, replaced }: HeldSet) =>
    replaced > Math.max(FEWEST_REPLACED, REPLACED_PART * (added - replaced));

  /** Opens a set with its index. If that can't be opened, keeps the set `before`, or reads it from MongoDB. */
  async function open(set: SearchedSet, index: PublishedIndex | undefined, before?: HeldSet): Promise<HeldSet> {
    opened += 1;
    const held: HeldSet = {
      name: `${keyOf(set)} ${opened}`,
      index,
      bytes: (index?.vectors ?? 0) * set.dim,
      added: 0,
      replaced: 0,
      upTo: index?.covers ?? (await clusterTime(store)),
      recent: new Map(),
      searchedAt: performance.now(),
    };
    const openInMachine = () => machine.open(held.name, set.dim, index?.files);
    try {
      // Another set may have ended the process.
      await openInMachine().catch((error) => {
        if (!(error instanceof MachineEndedError)) throw error;
        return openInMachine();
      });
    } catch (error) {
      if (index?.files === undefined) throw error;
      await noteFailure(index, error);
      const isOfOther = before !== undefined && before.index?.id !== index.id;
      return isOfOther && (await hasTakenInNew(set, before)) ? before : open(set, undefined);
    }
    if (index === undefined) {
      for await (const { seqs, written, vectors } of vectorsAfter(store, set, -1, BATCH)) {
        for (const [i, seq] of seqs.entries()) {
          const at = written[i] as Timestamp;
          if (isWrittenSince(at, held.upTo)) held.recent.set(seq, at.toString());
        }
        await add(held, seqs, vectors);
      }
    }
    await takeInNew(set, held);
    return held;
  }

  /** Leaves an index alone for a while. Has it fetched again if its files are to blame. */
  async function noteFailure({ id }: PublishedIndex, error: unknown): Promise<void> {
    failedAt.set(id, performance.now());
    if (!(error instanceof MachineEndedError) && !isShortage(error)) await indexes?.forget(id);
  }

  /** Takes in what is new. Returns false if the machine holds the set no longer. */
  async function hasTakenInNew(set: SearchedSet, held: HeldSet): Promise<boolean> {
    try {
      await takeInNew(set, held);
      return true;
    } catch (error) {
      if (error instanceof MachineEndedError) return false;
      throw error;
    }
  }

  async function takeInNew(set: SearchedSet, held: HeldSet): Promise<void> {
    const { found, at } = await vectorsWrittenSince(store, set, held.upTo);
    const recent = new Map(found.map(({ seq, written }) => [seq, written]));
    const unknown = found.filter(({ seq, written }) => held.recent.get(seq) !== written).map(({ seq }) => seq);
    for (const slice of slicesOf(unknown, BATCH)) {
      const some = await vectorsOfSeqs(store, set, slice);
      const fitting = some.filter(({ vector }) => vector.length === set.dim);
      const together = new Float32Array(fitting.length * set.dim);
      for (const [i, { vector }] of fitting.entries()) together.set(vector, i * set.dim);
      await add(
        held,
        fitting.map(({ seq }) => seq),
        together,
      );
    }
    held.recent = recent;
    held.upTo = at;
  }

  async function add(held: HeldSet, seqs: readonly number[], vectors: Float32Array): Promise<void> {
    if (seqs.length === 0) return;
    held.replaced += await machine.add(held.name, seqs, vectors);
    held.added += seqs.length;
    held.bytes += vectors.length;
  }

  return {
    async at(set) {
      let held = await refreshed(set);
      return {
        most: MOST_CANDIDATES,
        async find(query, count, among) {
          held.searchedAt = performance.now();
          try {
            return await machine.find(held.name, query, count, among);
          } catch (error) {
            // The process has ended since, or another search has replaced the set; or an index can't be read.
            if (!(error instanceof MachineEndedError)) {
              if (held.index?.files === undefined) throw error;
              await noteFailure(held.index, error);
            }
            if (sets.get(keyOf(set)) === held) {
              sets.delete(keyOf(set));
              await machine.drop(held.name).catch(() => undefined);
            }
            held = await refreshed(set);
            return machine.find(held.name, query, count, among);
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

/** Whether a file could not be opened for want of memory or file handles, so that it may be whole. */
const isShortage = (error: unknown) => /ENOMEM|EMFILE|ENFILE|memory|alloc/i.test((error as Error).message);

const keyOf = ({ datasetId, modelKey }: SearchedSet) => `${datasetId} ${modelKey}`;
