import { parseInWords, sentenceOf } from '../contract/faults-in-words.ts';
import { MOST_PAGED, type SearchAnswer, type SearchHit, type SearchRequest, searchInput } from '../contract/search.ts';
import type { Embedder } from '../core/embedding/embedder.ts';
import { UserError } from '../core/errors.ts';
import type { Media } from '../core/media/medium.ts';
import type { Finder } from '../core/search/finder.ts';
import { modelToSearch, recordedModel } from '../core/search/model-to-search.ts';
import { searchVectors, type VectorSearch } from '../core/search/search-samples.ts';
import { MachineEndedError } from '../core/search/vector-machine.ts';
import { getDataset } from '../core/store/datasets.ts';
import type { DatasetDocument } from '../core/store/documents.ts';
import type { SampleFilter } from '../core/store/search-samples.ts';
import type { Store } from '../core/store/store.ts';
import { type Cursor, readCursor, writeCursor } from './cursor.ts';
import { createQueryEncoder } from './encode-query.ts';
import { callersVector, vectorOf } from './query-vector.ts';

/** Finds the samples of a dataset that are nearest to a query. */
export interface Searcher {
  /**
   * Searches. When the signal aborts, a query that waits for the model is not encoded. A caller that has just read the
   * dataset hands it on, so that it is not read again.
   *
   * @throws UserError InvalidInput, DatasetNotFound, NoVectors, ModelNotInDataset, InvalidVector, SampleNotFound,
   *   SampleWithoutVector, PictureUnreadable, ModelHasNoText, ModelNotHere, SearchUnavailable, TooSlow;
   *   InferenceUnavailableError
   */
  search(request: SearchRequest, options?: SearchOptions): Promise<SearchAnswer>;
  /** Ends what the searcher has started. */
  close(): Promise<void>;
}

export interface SearchOptions {
  signal?: AbortSignal | undefined;
  dataset?: DatasetDocument;
}

export interface SearcherParts {
  store: Store;
  /** Closed with the searcher. */
  finder: Finder;
  /** Makes vectors of words and pictures. Its owner closes it. */
  embedder: Pick<Embedder, 'embed'>;
  media: Media;
}

export function createSearcher({ store, finder, embedder, media }: SearcherParts): Searcher {
  const encodeQuery = createQueryEncoder(embedder, media);
  return {
    async search(request, { signal, dataset: read } = {}) {
      const { query, limit, cursor, filter, ...asked } = parse(request);
      const dataset = read ?? (await getDataset(store, asked.dataset));
      const modelAsked = cursor?.modelKey ?? asked.model;
      const model = recordedModel(dataset, modelAsked) ?? (await modelToSearch(store, dataset, modelAsked));
      const vector =
        'vector' in query
          ? callersVector(query.vector, model)
          : 'sample' in query
            ? await vectorOf(store, dataset, model, query.sample)
            : await encodeQuery(query, { dataset, model, signal });
      const search = {
        set: { datasetId: dataset._id, modelKey: model.key, dim: model.dim, index: model.index },
        vector,
        ...(narrows(filter) ? { filter } : {}),
        ...('sample' in query ? { without: [query.sample] } : {}),
      };
      const { hits, exact, more } = await searchPage(store, finder, search, { cursor, limit });
      const last = hits.at(-1);
      const given = (cursor?.given ?? 0) + hits.length;
      return {
        dataset: dataset._id,
        model_key: model.key,
        exact,
        hits,
        next: more && last !== undefined ? writeCursor({ ...last, given, modelKey: model.key }) : null,
      };
    },
    close: () => finder.close(),
  };
}

/** @throws UserError InvalidInput */
function parse({ picture, ...request }: SearchRequest) {
  const parsed = parseInWords(searchInput, request);
  if (!parsed.success)
    throw new UserError('InvalidInput', sentenceOf(parsed.faults), { fields: parsed.faults.map(({ field }) => field) });
  const { text, vector, sample, cursor, ...rest } = parsed.data;
  const queries = [
    ...(text === undefined ? [] : [{ text }]),
    ...(vector === undefined ? [] : [{ vector }]),
    ...(sample === undefined ? [] : [{ sample }]),
    ...(picture === undefined ? [] : [{ picture }]),
  ];
  const [query, ...others] = queries;
  if (query === undefined || others.length > 0)
    throw new UserError('InvalidInput', 'Give one query: text, vector, sample or picture.');
  return { ...rest, query, cursor: cursor === undefined ? undefined : readCursor(cursor) };
}

/** Whether a filter has a field that leaves out samples. */
const narrows = (filter: SampleFilter | undefined): filter is SampleFilter =>
  filter !== undefined && Object.values(filter).some((value) => value !== undefined && !isWithoutFields(value));

/** An empty list leaves out all samples; no fields, as of `equal`, leave out none. */
const isWithoutFields = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;

interface PageOfHits {
  hits: SearchHit[];
  exact: boolean;
  /** Whether there are further hits that a search gives out. */
  more: boolean;
}

/** The hits after a cursor. Searches as deep as all pages so far, because nothing is kept of the ones before. */
async function searchPage(
  store: Store,
  finder: Finder,
  search: Omit<VectorSearch, 'limit'>,
  { cursor, limit }: { cursor: Cursor | undefined; limit: number },
): Promise<PageOfHits> {
  const given = cursor?.given ?? 0;
  const most = Math.min(limit, MOST_PAGED - given);
  // One more shows whether there are more.
  for (let depth = Math.min(given + most + 1, MOST_PAGED); ; depth = Math.min(2 * depth, MOST_PAGED)) {
    const { hits, exact } = await searchVectors(store, finder, { ...search, limit: depth }).catch(unavailable);
    const rest = cursor === undefined ? hits : hits.filter((hit) => isAfter(cursor, hit));
    // New vectors before the cursor push the page further back.
    if (rest.length > most || hits.length < depth || depth === MOST_PAGED)
      return { hits: rest.slice(0, most), exact, more: rest.length > most && given + most < MOST_PAGED };
  }
}

const isAfter = (cursor: Cursor, { score, seq }: SearchHit) =>
  score < cursor.score || (score === cursor.score && seq > cursor.seq);

function unavailable(error: unknown): never {
  if (!(error instanceof MachineEndedError)) throw error;
  throw new UserError('SearchUnavailable', `${error.message} Try again.`, { cause: error });
}
