import { parseInWords, sentenceOf } from '../contract/faults-in-words.ts';
import {
  MOST_PAGED,
  type SearchAnswer,
  type SearchHit,
  type SearchMode,
  type SearchRequest,
  searchInput,
} from '../contract/search.ts';
import type { Embedder } from '../core/embedding/embedder.ts';
import { UserError } from '../core/errors.ts';
import type { Media } from '../core/media/medium.ts';
import type { Finder } from '../core/search/finder.ts';
import { FUSED, fuse } from '../core/search/fuse.ts';
import { modelToSearch, recordedModel } from '../core/search/model-to-search.ts';
import { searchVectors, type VectorSearch } from '../core/search/search-samples.ts';
import { MachineEndedError } from '../core/search/vector-machine.ts';
import { searchWords } from '../core/search/words/search-words.ts';
import type { WordFinder } from '../core/search/words/word-finder.ts';
import { getDataset } from '../core/store/datasets.ts';
import type { DatasetDocument, SampleDocument } from '../core/store/documents.ts';
import { samplesOfSeqs } from '../core/store/samples.ts';
import type { SampleFilter } from '../core/store/search-samples.ts';
import type { Store } from '../core/store/store.ts';
import { type Cursor, readCursor, writeCursor } from './cursor.ts';
import { createQueryEncoder } from './encode-query.ts';
import { withPassages } from './passages.ts';
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
  /** Searches, and reads the samples of the hits. A sample may have been removed since. */
  searchSamples(request: SearchRequest, options?: SearchOptions): Promise<AnswerWithSamples>;
  /** Ends what the searcher has started. */
  close(): Promise<void>;
}

export interface AnswerWithSamples {
  answer: SearchAnswer;
  /** By seq. */
  samples: ReadonlyMap<number, SampleDocument>;
}

export interface SearchOptions {
  signal?: AbortSignal | undefined;
  dataset?: DatasetDocument;
  /** Whether the samples of the hits come with their annotations. */
  annotations?: boolean;
}

export interface SearcherParts {
  store: Store;
  /** Closed with the searcher. */
  finder: Finder;
  /** Closed with the searcher. */
  words: WordFinder;
  /** Makes vectors of words and pictures. Its owner closes it. */
  embedder: Pick<Embedder, 'embed'>;
  media: Media;
}

export function createSearcher({ store, finder, words, embedder, media }: SearcherParts): Searcher {
  const encodeQuery = createQueryEncoder(embedder, media);
  const holdsWords = (dataset: DatasetDocument) => media.find(dataset.media_type)?.hasWords === true;

  /** All that a search by vectors needs. */
  async function vectorSearchOf(
    dataset: DatasetDocument,
    { query, cursor, filter, model: asked }: Parsed,
    signal?: AbortSignal,
  ) {
    const modelAsked = cursor?.modelKey ?? asked;
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
    return { modelKey: model.key, search };
  }

  const byVectors = ({ search }: VectorSearchOf, limit: number) =>
    searchVectors(store, finder, { ...search, limit }).catch(unavailable);

  const byWords = async (dataset: DatasetDocument, { query, filter }: Parsed, limit: number) => {
    const search = { datasetId: dataset._id, text: textOf(query), limit, filter: narrows(filter) ? filter : undefined };
    return searchWords(store, words, search).catch(unavailable);
  };

  async function answer(
    dataset: DatasetDocument,
    parsed: Parsed,
    plan: Plan,
  ): Promise<Omit<PageOfHits, 'more'> & { more: boolean; depth: number }> {
    const { vectors, mode } = plan;
    if (mode === 'hybrid') {
      const depth = parsed.cursor?.depth ?? Math.max(FUSED, parsed.limit);
      const [{ hits, exact }, found] = await Promise.all([
        byVectors(vectors as VectorSearchOf, depth),
        byWords(dataset, parsed, depth),
      ]);
      const { cursor, limit } = parsed;
      const fused = fuse(hits, found);
      const rest = fused.slice(cursor?.given ?? 0);
      return { hits: rest.slice(0, limit), exact, more: rest.length > limit, depth };
    }
    const find = async (depth: number) =>
      vectors === undefined ? { hits: await byWords(dataset, parsed, depth), exact: true } : byVectors(vectors, depth);
    return { ...(await searchPage(find, parsed)), depth: 0 };
  }

  /** Decides how to search. Words alone are searched for where vectors can't be, unless the caller asks for vectors. */
  async function planOf(dataset: DatasetDocument, parsed: Parsed, signal?: AbortSignal): Promise<Plan> {
    const { query, cursor } = parsed;
    const mode = cursor?.mode ?? parsed.mode;
    const hasWords = holdsWords(dataset);
    if (mode !== undefined && mode !== 'vector') requireWords(dataset, query, hasWords);
    if (mode === 'words') return { mode, vectors: undefined };
    const vectorsOf = () => vectorSearchOf(dataset, parsed, signal);
    if (!('text' in query) || !hasWords || mode === 'vector') return { mode: 'vector', vectors: await vectorsOf() };
    try {
      return { mode: 'hybrid', vectors: await vectorsOf() };
    } catch (error) {
      const isWithoutVectors = error instanceof UserError && WITHOUT_VECTORS.includes(error.code);
      if (mode === 'hybrid' || parsed.model !== undefined || !isWithoutVectors) throw error;
      return { mode: 'words', vectors: undefined };
    }
  }

  /** Searches. Reads the samples of the hits if these hold passages, or if the caller wants them. */
  async function search(
    request: SearchRequest,
    { signal, dataset: read, annotations = false }: SearchOptions,
    wantsSamples: boolean,
  ): Promise<AnswerWithSamples> {
    const parsed = parse(request);
    const dataset = read ?? (await getDataset(store, parsed.dataset));
    const plan = await planOf(dataset, parsed, signal);
    const { hits, exact, more, depth } = await answer(dataset, parsed, plan);
    const modelKey = plan.vectors?.modelKey ?? null;
    const last = hits.at(-1);
    const given = (parsed.cursor?.given ?? 0) + hits.length;
    const cursor = last === undefined ? undefined : { ...last, given, modelKey, mode: plan.mode, depth };
    const hasPassages = holdsWords(dataset);
    const samples =
      hasPassages || wantsSamples ? await samplesOfHits(store, dataset._id, hits, annotations) : new Map();
    return {
      answer: {
        dataset: dataset._id,
        mode: plan.mode,
        model_key: modelKey,
        exact,
        hits: hasPassages ? withPassages(hits, samples, textOf(parsed.query)) : hits,
        next: more && cursor !== undefined ? writeCursor(cursor) : null,
      },
      samples,
    };
  }

  return {
    search: async (request, options = {}) => (await search(request, options, false)).answer,
    searchSamples: (request, options = {}) => search(request, options, true),
    async close() {
      await Promise.all([finder.close(), words.close()]);
    },
  };
}

async function samplesOfHits(store: Store, datasetId: string, hits: readonly SearchHit[], annotations: boolean) {
  const seqs = hits.map(({ seq }) => seq);
  return new Map((await samplesOfSeqs(store, datasetId, seqs, { annotations })).map((sample) => [sample.seq, sample]));
}

type Parsed = ReturnType<typeof parse>;

/** Failures after which words can still be searched for. */
const WITHOUT_VECTORS: readonly string[] = ['NoVectors', 'ModelNotHere', 'ModelHasNoText'];

/** A search by vectors without its limit. */
interface VectorSearchOf {
  modelKey: string;
  search: Omit<VectorSearch, 'limit'>;
}

interface Plan {
  mode: SearchMode;
  /** Undefined if only words are searched for. */
  vectors: VectorSearchOf | undefined;
}

const textOf = (query: Parsed['query']): string => ('text' in query ? query.text : '');

/** @throws UserError InvalidInput */
function requireWords(dataset: DatasetDocument, query: Parsed['query'], hasWords: boolean): void {
  const fault = !hasWords
    ? `${dataset._id} holds no documents, so it has no words to search for`
    : 'text' in query
      ? undefined
      : 'words and hybrid go with text';
  if (fault !== undefined) throw new UserError('InvalidInput', `mode: ${fault}.`, { fields: ['mode'] });
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
  find: (depth: number) => Promise<{ hits: readonly SearchHit[]; exact: boolean }>,
  { cursor, limit }: { cursor?: Cursor | undefined; limit: number },
): Promise<PageOfHits> {
  const given = cursor?.given ?? 0;
  const most = Math.min(limit, MOST_PAGED - given);
  // One more shows whether there are more.
  for (let depth = Math.min(given + most + 1, MOST_PAGED); ; depth = Math.min(2 * depth, MOST_PAGED)) {
    const { hits, exact } = await find(depth);
    const rest = restOf(hits, cursor);
    // New vectors before the cursor push the page further back.
    if (rest.length > most || hits.length < depth || depth === MOST_PAGED)
      return { hits: rest.slice(0, most), exact, more: rest.length > most && given + most < MOST_PAGED };
  }
}

/** The hits after a page. Scores by words change with every text that comes, so only places can be gone on from. */
function restOf(hits: readonly SearchHit[], cursor: Cursor | undefined): SearchHit[] {
  if (cursor === undefined) return [...hits];
  return cursor.mode === 'vector' ? hits.filter((hit) => isAfter(cursor, hit)) : hits.slice(cursor.given);
}

const isAfter = (cursor: Cursor, { score, seq }: SearchHit) =>
  score < cursor.score || (score === cursor.score && seq > cursor.seq);

function unavailable(error: unknown): never {
  if (!(error instanceof MachineEndedError)) throw error;
  throw new UserError('SearchUnavailable', `${error.message} Try again.`, { cause: error });
}
