import { resolve } from 'node:path';
import envPaths from 'env-paths';

/**
 * The folder for files that are fetched or built once for all checkouts of a user: PLIMSOLL_CACHE, or the system's
 * default.
 */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  return env.PLIMSOLL_CACHE ? resolve(env.PLIMSOLL_CACHE) : envPaths('plimsoll', { suffix: '' }).cache;
}
