import type { SampleFilter } from '../store/search-samples.ts';
import { searchableSamples, seqsMatchingAfter } from '../store/search-vectors.ts';
import type { Store } from '../store/store.ts';
import { cosine } from './cosine.ts';
import type { Finder, FinderAt, SearchedSet } from './finder.ts';
import type { Candidates } from './vector-machine.ts';

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

/** A sample that was found. */
export interface Hit {
  seq: number;
  filepath: string;
  /** The cosine of the query and the sample's vector. */
  score: number;
}

/** The nearest samples, best first; of equal ones, the lower seq first. */
export interface Hits {
  hits: Hit[];
  /** Whether no better hit can be missing. False if a graph of neighbours has found them. */
  exact: boolean;
}

/** The first samples that match a filter, which show how many there may be. */
const PROBED = 100;
/** A filter that so few samples match that more candidates are needed to hold enough of them is decided first. */
const WIDEST_FIRST_LOOK = 1000;
/** Matching samples that the query is compared with at once. */
const MATCHES = 50_000;

/**
 * Finds the samples of a set that are nearest to a vector. A finder proposes candidates by approximations; their vectors
 * and samples are then read from MongoDB, which decides their scores, their order and whether they are there.
 */
export async function searchVectors(store: Store, finder: Finder, search: VectorSearch): Promise<Hits> {
  const { set, filter, limit, without = [] } = search;
  const at = await finder.at(set);
  const query = unitVector(search.vector);
  const candidates = candidatesFor(limit + without.length);
  if (filter === undefined) return searchNear(store, at, query, { ...search, candidates });
  const first = await seqsMatchingAfter(store, { datasetId: set.datasetId, filter, after: -1, most: PROBED });
  const among = candidates * seqsPerMatch(first);
  if (among <= WIDEST_FIRST_LOOK) {
    const near = await searchNear(store, at, query, { ...search, candidates: Math.ceil(among) });
    if (near.enough) return near;
  }
  return searchMatching(store, at, query, { ...search, filter, first });
}

/** Of how many samples one matches a filter, by the first that match. Infinite if these are all. */
function seqsPerMatch(first: readonly number[]): number {
  const last = first[PROBED - 1];
  return last === undefined ? Number.POSITIVE_INFINITY : (last + 1) / PROBED;
}

/** Searches all vectors, and keeps hits that match the filter. Looks at so many `candidates` first. */
async function searchNear(
  store: Store,
  at: FinderAt,
  query: Float32Array,
  { set, limit, filter, without = [], candidates: first }: VectorSearch & { candidates: number },
): Promise<Hits & { enough: boolean }> {
  const wanted = limit + without.length;
  for (let count = first; ; count *= 4) {
    const last = count >= at.most;
    const candidates = await at.find(query, Math.min(count, at.most));
    const hits = await readHits(store, set, query, candidates, filter);
    // A graph gives no bound for what it has not proposed.
    const enough = candidates.all || (candidates.exact ? isSettled(hits, candidates, wanted) : hits.length >= wanted);
    // If a filter leaves too few hits, a search among its matches costs less than a wider look.
    if (enough || last || (filter !== undefined && hits.length < wanted))
      return { ...resultOf(hits, limit, without), exact: candidates.exact && enough, enough };
  }
}

/** Searches among the samples that match the filter alone. `first` are the first of them. */
async function searchMatching(
  store: Store,
  at: FinderAt,
  query: Float32Array,
  { first, ...search }: VectorSearch & { filter: SampleFilter; first: readonly number[] },
): Promise<Hits> {
  const { set, filter, limit, without = [] } = search;
  const wanted = limit + without.length;
  const among = async (seqs: readonly number[]) => {
    for (let count = candidatesFor(wanted); ; count *= 4) {
      const candidates = await at.find(query, Math.min(count, at.most), seqs);
      const hits = await readHits(store, set, query, candidates, filter);
      const enough = candidates.all || isSettled(hits, candidates, wanted);
      if (enough || count >= at.most) return { hits, exact: candidates.exact && enough };
    }
  };
  const matchesAfter = (after: number, most: number) =>
    seqsMatchingAfter(store, { datasetId: set.datasetId, filter, after, most });
  const more = first.length < PROBED ? [] : await matchesAfter(first.at(-1) as number, MATCHES - PROBED);
  let seqs = [...first, ...more];
  let best: Hit[] = [];
  let exact = true;
  for (;;) {
    const found = await among(seqs);
    best = inOrder([...best, ...found.hits]).slice(0, wanted);
    exact &&= found.exact;
    if (seqs.length < MATCHES) return { ...resultOf(best, limit, without), exact };
    seqs = await matchesAfter(seqs.at(-1) as number, MATCHES);
  }
}

/** More candidates than hits, because approximations swap neighbours that are nearly as far. */
const candidatesFor = (wanted: number) => wanted + Math.max(24, Math.ceil(wanted / 2));

/** Reads the vectors of candidates, and orders those that may be given out. */
async function readHits(
  store: Store,
  set: SearchedSet,
  query: Float32Array,
  { seqs }: Candidates,
  filter: SampleFilter | undefined,
): Promise<Hit[]> {
  const found = await searchableSamples(store, set, [...new Set(seqs)], filter);
  return inOrder(found.map(({ seq, filepath, vector }) => ({ seq, filepath, score: cosine(query, vector) })));
}

/**
 * Whether no vector beyond the candidates can be among the first `wanted` hits: the last of these is better than the
 * last candidate by more than any candidate's approximation is off.
 */
function isSettled(hits: readonly Hit[], { seqs, scores }: Candidates, wanted: number): boolean {
  const last = hits[wanted - 1];
  if (last === undefined) return false;
  const exact = new Map(hits.map(({ seq, score }) => [seq, score]));
  const off = seqs.reduce((most, seq, i) => {
    const score = exact.get(seq);
    return score === undefined ? most : Math.max(most, Math.abs(score - (scores[i] as number)));
  }, 0);
  return last.score > (scores.at(-1) as number) + off;
}

const inOrder = (hits: Hit[]): Hit[] => hits.sort((a, b) => b.score - a.score || a.seq - b.seq);

function resultOf(hits: readonly Hit[], limit: number, without: readonly number[]): Pick<Hits, 'hits'> {
  return { hits: hits.filter(({ seq }) => !without.includes(seq)).slice(0, limit) };
}

/** The vector with length 1. */
function unitVector(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, element) => sum + element * element, 0));
  return vector.map((element) => element / length);
}
