import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../errors.ts';
import { clusterTime } from '../store/cluster-time.ts';
import type { Store } from '../store/store.ts';
import {
  createVectorSearchIndex,
  MOST_NEAREST,
  type NearVector,
  nearestVectors,
  type VectorSearchIndex,
  vectorSearchIndexes,
  vectorSearchIndexName,
} from '../store/vector-search-index.ts';
import type { Finder, SearchedSet } from './finder.ts';
import { createLocalFinder, type PublishedIndex } from './local-finder.ts';
import type { Candidates, VectorMachine } from './vector-machine.ts';

export interface MongodbFinderOptions {
  /** Holds what was written lately. */
  machine: VectorMachine;
  /** How often a search looks whether an index that is being built can be queried. */
  looks?: number;
  /** Milliseconds between two looks. */
  pauseMs?: number;
}

/** A request may wait for an index for ten seconds. */
const LOOKS = 20;
const PAUSE_MS = 500;

/** MongoDB's index follows the writes of a healthy server within a second or two. */
const DELAY_S = 60;
/** The machine forgets what it holds after this time, and takes in the last minute again. */
const FORGETS_AFTER_MS = 10 * 60_000;

/**
 * Finds candidates with MongoDB's own vector search, so that vectors need not fit into the memory of one machine. The
 * first search of a number of elements creates the index. MongoDB's index follows what is written with a delay, so the
 * vectors of the last minute are searched on this machine as well.
 */
export function createMongodbFinder(store: Store, options: MongodbFinderOptions): Finder {
  const { machine, looks = LOOKS, pauseMs = PAUSE_MS } = options;
  const closing = new AbortController();
  /** The indexes that could be queried when they were last looked at, by number of elements. */
  const ready = new Map<number, Promise<void>>();
  const windows = new Map<string, PublishedIndex & { openedAt: number }>();
  const recent = createLocalFinder(store, {
    machine,
    indexes: { indexOf: recentWrites, forget: async () => undefined },
  });

  /** To the machine, the server's index is a published one whose vectors are elsewhere. */
  async function recentWrites({ datasetId, modelKey }: SearchedSet): Promise<PublishedIndex> {
    const key = `${datasetId} ${modelKey}`;
    const now = performance.now();
    const known = windows.get(key);
    if (known !== undefined && now - known.openedAt < FORGETS_AFTER_MS) return known;
    const window = { id: `since ${now}`, covers: (await clusterTime(store)) - DELAY_S, vectors: 0, openedAt: now };
    windows.set(key, window);
    return window;
  }

  /** Waits for the index. One search waits for all. */
  function untilReady(dim: number): Promise<void> {
    const known = ready.get(dim);
    if (known !== undefined) return known;
    const waiting = lookUntilReady(dim);
    ready.set(dim, waiting);
    waiting.catch(() => ready.delete(dim));
    return waiting;
  }

  async function lookUntilReady(dim: number): Promise<void> {
    const name = vectorSearchIndexName(dim);
    for (let look = 1; ; look += 1) {
      const [index] = await vectorSearchIndexes(store, name);
      if (index?.queryable === true) return;
      if (index?.status === 'FAILED') throw failed(index);
      if (index === undefined) await createVectorSearchIndex(store, dim);
      if (look >= looks) throw notReady(name, index);
      await delay(pauseMs, undefined, { signal: closing.signal });
    }
  }

  return {
    async at(set) {
      await untilReady(set.dim);
      const lately = await recent.at(set);
      return {
        most: MOST_NEAREST,
        async find(query, count, among) {
          try {
            const [stored, late] = await Promise.all([
              nearestVectors(store, set, { query, count, among }),
              lately.find(query, count, among),
            ]);
            // A server whose index was dropped finds nothing, and says no more than that.
            if (stored.length === 0) ready.delete(set.dim);
            return together(stored, late, count);
          } catch (error) {
            ready.delete(set.dim);
            throw error;
          }
        },
      };
    },
    async close() {
      closing.abort();
      await recent.close();
    },
  };
}

/** The best of both. A vector that both have found counts with what the machine has read of it. */
function together(stored: readonly NearVector[], late: Candidates, count: number): Candidates {
  const scores = new Map(stored.map(({ seq, score }) => [seq, score]));
  late.seqs.forEach((seq, i) => {
    scores.set(seq, late.scores[i] as number);
  });
  const nearest = [...scores].sort(([a, scoreA], [b, scoreB]) => scoreB - scoreA || a - b);
  const some = nearest.slice(0, count);
  return {
    seqs: some.map(([seq]) => seq),
    scores: some.map(([, score]) => score),
    // An index that is further behind than a minute lacks vectors, and nothing tells.
    exact: false,
    all: stored.length < count && late.all && nearest.length <= count,
  };
}

function notReady(name: string, index: VectorSearchIndex | undefined): UserError {
  const far = index === undefined ? 'it is not listed yet' : stateOf(index);
  return new UserError(
    'SearchUnavailable',
    `MongoDB is building the search index ${name} (${far}). Search again later.`,
  );
}

function failed(index: VectorSearchIndex): UserError {
  return new UserError(
    'SearchUnavailable',
    `MongoDB could not build the search index ${index.name} (${stateOf(index)}). ` +
      `Drop it, and the next search has it built again: db.embeddings.dropSearchIndex('${index.name}').`,
  );
}

const stateOf = ({ status, detail }: VectorSearchIndex) => (detail === '' ? status : `${status}; ${detail}`);
