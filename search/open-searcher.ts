import { cacheFolder } from '../core/cache-folder.ts';
import type { Media } from '../core/media/medium.ts';
import { knownMedia } from '../core/media/registry.ts';
import { createFinder } from '../core/search/choose-finder.ts';
import { createIndexCache } from '../core/search/index-cache.ts';
import type { Store } from '../core/store/store.ts';
import { createEmbedder } from '../inference/embedder.ts';
import { createProcessMachine } from './process-machine.ts';
import { createSearcher, type Searcher } from './searcher.ts';

export interface SearcherOptions {
  store: Store;
  /** Default: those of core/media/registry.ts. */
  media?: Media;
  /** Folders of models. Default: PLIMSOLL_MODELS. */
  modelFolders?: readonly string[];
  /** Where PLIMSOLL_SEARCH and the cache folder come from. Default: this process. */
  env?: NodeJS.ProcessEnv;
  /** Hears why a published index could not be used; a search goes on without it. */
  log?: (message: string) => void;
  /** Idle time in milliseconds after which a process ends: 10 minutes by default. */
  idleMs?: number;
}

const IDLE_MS = 10 * 60_000;

/**
 * Opens a searcher with processes of its own: one holds vectors, others encode queries. Each starts when it is first
 * needed and ends when it is idle. Queries are encoded on the CPU: one at a time is quick there, and the device is busy
 * with samples.
 *
 * @throws UserError InvalidSetting
 */
export function openSearcher({
  store,
  media,
  modelFolders,
  env = process.env,
  log = () => undefined,
  idleMs = IDLE_MS,
}: SearcherOptions): Searcher {
  const embedder = createEmbedder({
    device: { type: 'cpu' },
    idleMs,
    ...(modelFolders === undefined ? {} : { modelFolders: [...modelFolders] }),
  });
  const indexes = createIndexCache(store, cacheFolder(env), log);
  const finder = createFinder(store, env, { machine: createProcessMachine({ idleMs }), indexes });
  const searcher = createSearcher({ store, finder, embedder, media: media ?? knownMedia() });
  return {
    search: searcher.search,
    async close() {
      indexes.close();
      await Promise.all([searcher.close(), embedder.close()]);
    },
  };
}
