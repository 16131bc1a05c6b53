import type { Media } from '../core/media/medium.ts';
import { knownMedia } from '../core/media/registry.ts';
import { createLocalFinder } from '../core/search/local-finder.ts';
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
export function openSearcher({ store, media, modelFolders, idleMs = IDLE_MS }: SearcherOptions): Searcher {
  const embedder = createEmbedder({
    device: { type: 'cpu' },
    idleMs,
    ...(modelFolders === undefined ? {} : { modelFolders: [...modelFolders] }),
  });
  const finder = createLocalFinder(store, { machine: createProcessMachine({ idleMs }) });
  const searcher = createSearcher({ store, finder, embedder, media: media ?? knownMedia() });
  return {
    search: searcher.search,
    async close() {
      await Promise.all([searcher.close(), embedder.close()]);
    },
  };
}
