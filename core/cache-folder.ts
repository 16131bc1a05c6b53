import { resolve } from 'node:path';
import envPaths from 'env-paths';

/** What is fetched or built once for all checkouts of a user: PLIMSOLL_CACHE, or the system's usual place. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  return env.PLIMSOLL_CACHE ? resolve(env.PLIMSOLL_CACHE) : envPaths('plimsoll', { suffix: '' }).cache;
}
