import {
  type ClusterTime,
  clusterTime,
  vectorsAfter,
  vectorsOfSeqs,
  vectorsWrittenSince,
} from '../store/search-vectors.ts';
import type { Store } from '../store/store.ts';
import type { Finder, SearchedSet } from './finder.ts';
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

/** A set that the machine holds. */
interface HeldSet {
  name: string;
  index: PublishedIndex | undefined;
  bytes: number;
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
  /** One refresh a set at a time: the running one, and the one that comes after it. */
  const refreshes = new Map<string, { running: Promise<HeldSet>; next?: Promise<HeldSet> }>();
  let opened = 0;

  /** Opens a set or takes in what is new. A refresh that had begun before this call may have missed the last write. */
  function refreshed(set: SearchedSet): Promise<HeldSet> {
    const key = keyOf(set);
    const under = refreshes.get(key);
    if (under === undefined) {
      const running = refresh(set).finally(() => {
        if (refreshes.get(key)?.running === running) refreshes.delete(key);
      });
      refreshes.set(key, { running });
      return running;
    }
    under.next ??= under.running
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => refreshed(set));
    return under.next;
  }

  async function refresh(set: SearchedSet): Promise<HeldSet> {
    const key = keyOf(set);
    const index = await indexes?.indexOf(set);
    const held = sets.get(key);
    try {
      if (held !== undefined && held.index?.id === index?.id) {
        await takeInNew(set, held);
        return held;
      }
    } catch (error) {
      if (!(error instanceof MachineEndedError)) throw error;
    }
    const fresh = await open(set, index);
    sets.set(key, fresh);
    if (held !== undefined) await machine.drop(held.name).catch(() => undefined);
    await forgetOthers(key);
    return fresh;
  }

  /** Opens a set with its index; without it if the machine can't read the files of the index. */
  async function open(set: SearchedSet, index: PublishedIndex | undefined): Promise<HeldSet> {
    opened += 1;
    const held: HeldSet = {
      name: `${keyOf(set)} ${opened}`,
      index,
      bytes: (index?.vectors ?? 0) * set.dim,
      upTo: index?.covers ?? (await clusterTime(store)),
      recent: new Map(),
      searchedAt: performance.now(),
    };
    try {
      await machine.open(held.name, set.dim, index?.files);
    } catch (error) {
      if (index?.files === undefined) throw error;
      await indexes?.forget(index.id);
      return open(set, undefined);
    }
    if (index === undefined) {
      const vectors = vectorsAfter(store, set, -1);
      try {
        let batch: { seq: number; vector: Float32Array }[] = [];
        for await (const vector of vectors) {
          if (batch.push(vector) < BATCH) continue;
          await add(set, held, batch);
          batch = [];
        }
        await add(set, held, batch);
      } finally {
        await vectors.close();
      }
    }
    await takeInNew(set, held);
    return held;
  }

  async function takeInNew(set: SearchedSet, held: HeldSet): Promise<void> {
    const { found, at } = await vectorsWrittenSince(store, set, held.upTo);
    const recent = new Map(found.map(({ seq, written }) => [seq, written]));
    const unknown = found.filter(({ seq, written }) => held.recent.get(seq) !== written).map(({ seq }) => seq);
    for (let from = 0; from < unknown.length; from += BATCH)
      await add(set, held, await vectorsOfSeqs(store, set, unknown.slice(from, from + BATCH)));
    held.recent = recent;
    held.upTo = at;
  }

  async function add(
    { dim }: SearchedSet,
    held: HeldSet,
    vectors: readonly { seq: number; vector: Float32Array }[],
  ): Promise<void> {
    const fitting = vectors.filter(({ vector }) => vector.length === dim);
    if (fitting.length === 0) return;
    const together = new Float32Array(fitting.length * dim);
    fitting.forEach(({ vector }, i) => {
      together.set(vector, i * dim);
    });
    await machine.add(
      held.name,
      fitting.map(({ seq }) => seq),
      together,
    );
    held.bytes += together.length;
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
    async at(set) {
      let held = await refreshed(set);
      return {
        most: MOST_CANDIDATES,
        async find(query, count, among) {
          held.searchedAt = performance.now();
          try {
            return await machine.find(held.name, query, count, among);
          } catch (error) {
            if (!(error instanceof MachineEndedError)) throw error;
            // The process has ended since, or another search has replaced the set.
            if (sets.get(keyOf(set)) === held) sets.delete(keyOf(set));
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

const keyOf = ({ datasetId, modelKey }: SearchedSet) => `${datasetId} ${modelKey}`;
