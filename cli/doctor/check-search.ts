import { connectStore } from '../../client/connect.ts';
import { type SearchEngine, searchEngine } from '../../core/search/choose-finder.ts';
import type { Store } from '../../core/store/store.ts';
import { vectorSearchIndexes } from '../../core/store/vector-search-index.ts';
import { type Check, ok, problem, warning } from './check.ts';

const NAME = 'Vector search';
const BUILT_BY_FIRST = 'the first search has MongoDB build an index';

/** Whether searches can use the engine of PLIMSOLL_SEARCH. The local one needs nothing that could be missing. */
export async function checkSearch(env: NodeJS.ProcessEnv, mongodbUri: string | undefined): Promise<Check[]> {
  let engine: SearchEngine;
  try {
    engine = searchEngine(env);
  } catch (error) {
    return [problem(NAME, (error as Error).message, 'Correct the variable, or unset it.')];
  }
  if (engine === 'local' || mongodbUri === undefined) return [];
  // Another check says that MongoDB does not answer.
  const store = await connectStore(mongodbUri).catch(() => undefined);
  if (store === undefined) return [];
  try {
    return [await checkVectorSearch(store)];
  } finally {
    await store.close();
  }
}

/** Whether MongoDB has a vector search, and how far our indexes are. */
export async function checkVectorSearch(store: Store): Promise<Check> {
  try {
    const indexes = await vectorSearchIndexes(store);
    const found = indexes.map(({ name, status }) => `${name} ${status}`).join(', ') || BUILT_BY_FIRST;
    const broken = indexes.filter(({ queryable }) => !queryable);
    if (broken.length === 0) return ok(NAME, `by MongoDB: ${found}`);
    return warning(
      NAME,
      `by MongoDB: ${found}`,
      broken.some(({ status }) => status === 'FAILED')
        ? 'Drop an index that FAILED (db.embeddings.dropSearchIndex): the next search has it built again.'
        : 'Searches get 503 until it is READY.',
    );
  } catch (error) {
    return problem(NAME, (error as Error).message, 'Unset PLIMSOLL_SEARCH, or name such a MongoDB in MONGODB_URI.');
  }
}
