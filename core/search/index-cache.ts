import { findPublishedIndex } from '../store/datasets.ts';
import type { PublishedIndexDocument } from '../store/documents.ts';
import type { Store } from '../store/store.ts';
import type { Indexes, PublishedIndex } from './local-finder.ts';
import { cachedFiles, fetchIndex, forgetCached, indexFolder, isWhole } from './publish-index.ts';
import { markUsed, sweepIndexes } from './sweep-indexes.ts';
import type { IndexFiles } from './vector-machine.ts';

/** After a fetch failed, the next one waits this long. Searches read from MongoDB meanwhile. */
const RETRY_MS = 30_000;

/** Indexes that are used for long are marked so this often. */
const MARK_EVERY_MS = 24 * 3600 * 1000;

/** The indexes in a folder of this machine, and the fetches of newer ones. */
export interface IndexCache extends Indexes {
  /** Ends the fetches. */
  close(): void;
}

type CachedIndex = PublishedIndex & { files: IndexFiles };

/**
 * Creates the cache of a folder. `log` hears why an index could not be fetched. With `waits`, a search waits for a fetch
 * instead of reading the vectors from MongoDB meanwhile.
 */
export function createIndexCache(
  store: Store,
  folder: string,
  log: (message: string) => void,
  { waits = false } = {},
): IndexCache {
  const over = new AbortController();
  const used = new Map<string, CachedIndex>();
  const fetching = new Map<string, Promise<void>>();
  const failedAt = new Map<string, number>();
  let markedAt = performance.now();
  // An earlier process of this machine may have been killed, or have served datasets that are gone.
  void sweepIndexes(folder);

  const startFetch = (key: string, index: PublishedIndexDocument) => {
    if (fetching.has(index.id)) return;
    if (performance.now() - (failedAt.get(index.id) ?? Number.NEGATIVE_INFINITY) < RETRY_MS) return;
    const fetched = fetchIndex(store, folder, index, over.signal)
      .then(async (files) => {
        const before = used.get(key);
        used.set(key, publishedAs(index, files));
        failedAt.delete(index.id);
        if (before !== undefined) await forgetCached(folder, before.id);
        await sweepIndexes(folder);
      })
      .catch((error: Error) => {
        if (over.signal.aborted) return;
        failedAt.set(index.id, performance.now());
        log(`The index ${index.id} of ${key} could not be fetched: ${error.message}`);
      })
      .finally(() => fetching.delete(index.id));
    fetching.set(index.id, fetched);
  };

  /** Reads the files once, beside the searches: a disk may have lost what a fetch had checked. */
  const check = async (key: string, index: PublishedIndexDocument, found: CachedIndex) => {
    if (await isWhole(index, found.files, over.signal).catch(() => true)) return;
    log(`The index ${index.id} of ${key} is damaged on this machine. It is fetched again.`);
    if (used.get(key) === found) used.delete(key);
    await forgetCached(folder, index.id);
  };

  return {
    async indexOf(set) {
      const key = `${set.datasetId} ${set.modelKey}`;
      const inUse = used.get(key);
      // A search may have read the dataset a while ago, before this index was published.
      const isOther = inUse !== undefined && inUse.id !== set.index?.id;
      const index = isOther ? await findPublishedIndex(store, set) : set.index;
      if (index === undefined) {
        used.delete(key);
        return undefined;
      }
      if (inUse?.id === index.id) {
        if (performance.now() - markedAt > MARK_EVERY_MS) {
          markedAt = performance.now();
          for (const { id } of used.values()) void markUsed(indexFolder(folder, id));
        }
        return inUse;
      }
      const files = await cachedFiles(folder, index);
      if (files !== undefined) {
        const found = publishedAs(index, files);
        used.set(key, found);
        void markUsed(indexFolder(folder, index.id)).then(() => check(key, index, found));
        return found;
      }
      startFetch(key, index);
      if (!waits) return inUse;
      await fetching.get(index.id);
      return used.get(key);
    },
    async forget(id) {
      for (const [key, index] of used) if (index.id === id) used.delete(key);
      await forgetCached(folder, id);
    },
    close() {
      over.abort();
    },
  };
}

const publishedAs = ({ id, covers, vectors }: PublishedIndexDocument, files: IndexFiles): CachedIndex => ({
  id,
  covers,
  vectors,
  files,
});
