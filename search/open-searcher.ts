import { cacheFolder } from '../core/cache-folder.ts';
import type { Embedder } from '../core/embedding/embedder.ts';
import type { Media } from '../core/media/medium.ts';
import { knownMedia } from '../core/media/registry.ts';
import { createFinder } from '../core/search/choose-finder.ts';
import { createIndexCache } from '../core/search/index-cache.ts';
import { createWordFinder } from '../core/search/words/word-finder.ts';
import type { Store } from '../core/store/store.ts';
import { createEmbedder } from '../inference/embedder.ts';
import { createProcessMachine, createProcessWords } from './process-machine.ts';
import { createSearcher, type Searcher } from './searcher.ts';

export interface SearcherOptions {
  store: Store;
  /** Default: those of core/media/registry.ts. */
  media?: Media;
  /** Encodes queries, and is left open. Default: one of its own, on the CPU. */
  embedder?: Pick<Embedder, 'embed'>;
  /** Folders of models of its own embedder. Default: PLIMSOLL_MODELS. */
  modelFolders?: readonly string[];
  /** Where PLIMSOLL_SEARCH and the cache folder come from. Default: this process. */
  env?: NodeJS.ProcessEnv;
  /** Hears why a published index could not be used; a search goes on without it. */
  log?: (message: string) => void;
  /** Whether a search waits until a published index is on this machine: for a process that makes only one. */
  waitsForIndex?: boolean;
  /** Idle time in milliseconds after which a process ends: 10 minutes by default. */
  idleMs?: number;
}

const IDLE_MS = 10 * 60_000;

/**
 * Opens a searcher with processes of its own: one holds vectors, others encode queries unless an embedder is given. Each
 * starts when it is first needed and ends when it is idle. Its own embedder runs on the CPU: one query at a time is
 * quick there, and the device is busy with samples.
 *
 * @throws UserError InvalidSetting
 */
export function openSearcher({
  store,
  media = knownMedia(),
  embedder,
  modelFolders,
  env = process.env,
  log = () => undefined,
  waitsForIndex = false,
  idleMs = IDLE_MS,
}: SearcherOptions): Searcher {
  const encoder =
    embedder === undefined
      ? createEmbedder({
          devices: [{ type: 'cpu' }],
          idleMs,
          ...(modelFolders === undefined ? {} : { modelFolders: [...modelFolders] }),
        })
      : keptOpen(embedder);
  const indexes = createIndexCache(store, cacheFolder(env), log, { waits: waitsForIndex });
  const finder = createFinder(store, env, { machine: createProcessMachine({ idleMs }), indexes });
  const words = createWordFinder(store, { machine: createProcessWords({ idleMs }) });
  const searcher = createSearcher({ store, finder, words, embedder: encoder, media });
  return {
    ...searcher,
    async close() {
      indexes.close();
      await Promise.all([searcher.close(), encoder.close()]);
    },
  };
}

const keptOpen = (embedder: Pick<Embedder, 'embed'>): Pick<Embedder, 'embed' | 'close'> => ({
  embed: (...given) => embedder.embed(...given),
  close: async () => undefined,
});
