import type { SampleFilter } from '../store/search-samples.ts';
import { seqsMatchingAfter } from '../store/search-vectors.ts';
import type { Store } from '../store/store.ts';
import type { Finder, FinderAt, SearchedSet } from './finder.ts';
import { createHitReader, type Hit, inOrder } from './read-hits.ts';

/** A request for the samples nearest to a vector. */
export interface VectorSearch {
  set: SearchedSet;
  /** Its length may be any but 0. */
  vector: Float32Array;
  /** How many hits to find. */
  limit: number;
  filter?: SampleFilter;
  /** Seqs that are no hits, such as the sample that the query is. */
  without?: readonly number[];
}

/** The nearest samples, best first; of equal ones, the lower seq first. */
export interface Hits {
  hits: Hit[];
  /** Whether no better hit can be missing. A graph of neighbours, or MongoDB's index, can't tell. */
  exact: boolean;
}

/** The first samples that match a filter, which show how many there may be. */
const PROBED = 100;
/** A filter that so few samples match that more candidates are needed to hold enough of them is decided first. */
const WIDEST_FIRST_LOOK = 1000;
/** Matching samples that the query is compared with at once. */
const MATCHES = 50_000;
/** Samples that can be hits. */
const THERE: SampleFilter = { status: 'indexed' };

/**
 * Finds the samples of a set that are nearest to a vector. A finder proposes candidates by approximations; their vectors
 * and samples are then read from MongoDB, which decides their scores, their order and whether they are there.
 */
export async function searchVectors(
  store: Store,
  finder: Finder,
  search: VectorSearch,
  { matches = MATCHES } = {},
): Promise<Hits> {
  const { set, filter, limit, without = [] } = search;
  const at = await finder.at(set);
  const query = unitVector(search.vector);
  const candidates = candidatesFor(limit + without.length);
  const matching = { ...search, matches };
  if (filter === undefined) {
    const near = await searchNear(store, at, query, { ...search, candidates });
    if (near.enough || near.hits.length >= limit || at.most < candidates) return near;
    // The widest look holds what was removed or has changed, and too few of those that are there.
    const first = await firstMatching(store, set, THERE);
    return searchMatching(store, at, query, { ...matching, filter: THERE, first });
  }
  const first = await firstMatching(store, set, filter);
  const among = candidates * seqsPerMatch(first);
  if (among <= WIDEST_FIRST_LOOK) {
    const near = await searchNear(store, at, query, { ...search, candidates: Math.ceil(among) });
    if (near.enough) return near;
  }
  return searchMatching(store, at, query, { ...matching, filter, first });
}

const firstMatching = (store: Store, { datasetId }: SearchedSet, filter: SampleFilter) =>
  seqsMatchingAfter(store, { datasetId, filter, after: -1, most: PROBED });

/** One of so many samples matches a filter, judged by the first that match. Infinite if these are all. */
function seqsPerMatch(first: readonly number[]): number {
  const last = first[PROBED - 1];
  return last === undefined ? Number.POSITIVE_INFINITY : (last + 1) / PROBED;
}

/**
 * Searches all vectors, and keeps hits that match the filter. Looks at so many `candidates` first; widens the look as
 * far as a finder can if there is no filter, or if many samples match it.
 */
async function searchNear(
  store: Store,
  at: FinderAt,
  query: Float32Array,
  { set, limit, filter, without = [], candidates: first, many = false }: NearSearch,
): Promise<Hits & { enough: boolean }> {
  const wanted = limit + without.length;
  const reader = createHitReader(store, { set, query, filter, wanted });
  for (let count = first; ; count *= 4) {
    const candidates = await at.find(query, Math.min(count, at.most));
    const isSettled = await reader.read(candidates);
    // A graph gives no bound for what it has not proposed.
    const enough = isSettled || (!candidates.exact && reader.hits.length >= wanted);
    // A search among few matches costs less than a wider look.
    const narrow = filter !== undefined && !many && reader.hits.length < wanted;
    if (enough || narrow || count >= at.most)
      return { ...resultOf(reader.hits, limit, without), exact: candidates.exact && isSettled, enough };
  }
}

interface NearSearch extends VectorSearch {
  /** How many candidates the first look has. */
  candidates: number;
  /** Whether the samples that match the filter are many. */
  many?: boolean;
}

interface MatchingSearch extends VectorSearch {
  filter: SampleFilter;
  /** The first samples that match. */
  first: readonly number[];
  /** How many the query is compared with at once. */
  matches: number;
}

/** Searches among the samples that match the filter alone. */
async function searchMatching(
  store: Store,
  at: FinderAt,
  query: Float32Array,
  { first, matches, ...search }: MatchingSearch,
): Promise<Hits> {
  const { set, filter, limit, without = [] } = search;
  const wanted = limit + without.length;
  const among = async (seqs: readonly number[]): Promise<{ hits: readonly Hit[]; exact: boolean }> => {
    const reader = createHitReader(store, { set, query, filter, wanted });
    for (let count = candidatesFor(wanted); ; count *= 4) {
      const candidates = await at.find(query, Math.min(count, at.most), seqs);
      const isSettled = await reader.read(candidates);
      if (isSettled || (count >= at.most && (reader.hits.length >= wanted || seqs.length <= at.most)))
        return { hits: reader.hits, exact: candidates.exact && isSettled };
      if (count >= at.most) break;
    }
    // Vectors of samples that have changed since fill the widest look.
    const half = Math.ceil(seqs.length / 2);
    const parts = [await among(seqs.slice(0, half)), await among(seqs.slice(half))];
    return { hits: parts.flatMap(({ hits }) => hits), exact: parts.every(({ exact }) => exact) };
  };
  const matchesAfter = (after: number, most: number) =>
    seqsMatchingAfter(store, { datasetId: set.datasetId, filter, after, most });
  const more = first.length < PROBED ? [] : await matchesAfter(first.at(-1) as number, matches - PROBED);
  let seqs = [...first, ...more];
  if (seqs.length >= matches && filter !== THERE) {
    // Many match, so a wide look holds enough of them; to read all of them takes longer.
    const near = await searchNear(store, at, query, { ...search, candidates: WIDEST_FIRST_LOOK, many: true });
    if (near.enough) return near;
  }
  let best: Hit[] = [];
  let exact = true;
  for (;;) {
    const found = await among(seqs);
    best = inOrder([...best, ...found.hits]).slice(0, wanted);
    exact &&= found.exact;
    if (seqs.length < matches) return { ...resultOf(best, limit, without), exact };
    seqs = await matchesAfter(seqs.at(-1) as number, matches);
  }
}

/** More candidates than hits, because approximations swap neighbours that are nearly as far. */
const candidatesFor = (wanted: number) => wanted + Math.max(24, Math.ceil(wanted / 2));

function resultOf(hits: readonly Hit[], limit: number, without: readonly number[]): Pick<Hits, 'hits'> {
  return { hits: hits.filter(({ seq }) => !without.includes(seq)).slice(0, limit) };
}

/** The vector with length 1. */
function unitVector(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, element) => sum + element * element, 0));
  return vector.map((element) => element / length);
}
