import { UserError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Finder } from './finder.ts';
import { createLocalFinder, type LocalFinderOptions } from './local-finder.ts';
import { createMongodbFinder } from './mongodb-finder.ts';

/** The places to look for neighbours: this machine's memory, or MongoDB's vector search. */
const ENGINES = ['local', 'mongodb'] as const;
export type SearchEngine = (typeof ENGINES)[number];

/**
 * The engine that PLIMSOLL_SEARCH names; `local` if it is not set.
 *
 * @throws UserError InvalidSetting
 */
export function searchEngine(env: NodeJS.ProcessEnv): SearchEngine {
  const name = env.PLIMSOLL_SEARCH || 'local';
  const engine = ENGINES.find((known) => known === name);
  if (engine !== undefined) return engine;
  throw new UserError('InvalidSetting', `PLIMSOLL_SEARCH is "${name}"; it can be local or mongodb.`);
}

/**
 * Creates the finder that PLIMSOLL_SEARCH names. Both use the machine.
 *
 * @throws UserError InvalidSetting
 */
export function createFinder(store: Store, env: NodeJS.ProcessEnv, local: LocalFinderOptions): Finder {
  return searchEngine(env) === 'local'
    ? createLocalFinder(store, local)
    : createMongodbFinder(store, { machine: local.machine });
}
