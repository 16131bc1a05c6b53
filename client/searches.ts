import type { Searcher } from '../search/searcher.ts';
import type { Backends } from './backends.ts';

/** The searches of a client: their code is loaded, and their processes start, with the first one. */
export function createSearches({ store }: Backends): Pick<Searcher, 'search' | 'close'> {
  let opening: Promise<Searcher> | undefined;
  return {
    async search(request, options) {
      opening ??= import('../search/open-searcher.ts').then(({ openSearcher }) => openSearcher({ store }));
      return (await opening).search(request, options);
    },
    async close() {
      const opened = await opening?.catch(() => undefined);
      opening = undefined;
      await opened?.close();
    },
  };
}
