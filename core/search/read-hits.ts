import type { SampleFilter } from '../store/search-samples.ts';
import { searchableSamples } from '../store/search-vectors.ts';
import type { Store } from '../store/store.ts';
import { cosine } from './cosine.ts';
import type { SearchedSet } from './finder.ts';
import type { Candidates } from './vector-machine.ts';

/** A sample that was found. */
export interface Hit {
  seq: number;
  filepath: string;
  /** The cosine of the query and the sample's vector. */
  score: number;
}

/** A query of length 1, and the hits that it wants. */
export interface WantedHits {
  set: SearchedSet;
  query: Float32Array;
  filter: SampleFilter | undefined;
  wanted: number;
}

/** Reads the vectors and samples of candidates from MongoDB, each once. */
export interface HitReader {
  /** Those of the candidates so far that may be given out, best first. */
  readonly hits: readonly Hit[];
  /**
   * Reads the candidates that may be among the first `wanted` hits. Returns whether these are settled: no vector that
   * was not read can be among them.
   */
  read(candidates: Candidates): Promise<boolean>;
}

export function createHitReader(store: Store, { set, query, filter, wanted }: WantedHits): HitReader {
  const seen = new Set<number>();
  let hits: Hit[] = [];
  /** How much the vectors' scores are above their approximations, in the order of these. */
  const above: number[] = [];

  /** Whether no vector with this approximation, or a lower one, can be among the first hits. */
  const isOutOfReach = (approximation: number) => {
    const last = hits[wanted - 1];
    return last !== undefined && last.score > approximation + mostAbove(above);
  };

  async function readSome(some: readonly Candidate[]): Promise<void> {
    const found = await searchableSamples(
      store,
      set,
      some.map(({ seq }) => seq),
      filter,
    );
    for (const { seq, filepath, vector } of found) hits.push({ seq, filepath, score: cosine(query, vector) });
    const scores = new Map(hits.map(({ seq, score }) => [seq, score]));
    for (const { seq, score: approximation } of some) {
      const score = scores.get(seq);
      if (score !== undefined) above.push(score - approximation);
    }
    hits = inOrder(hits);
    for (const { seq } of some) seen.add(seq);
  }

  return {
    get hits() {
      return hits;
    },
    async read({ seqs, scores, all, exact }) {
      const unread = seqs.map((seq, i) => ({ seq, score: scores[i] as number })).filter(({ seq }) => !seen.has(seq));
      for (let from = 0; from < unread.length; ) {
        // Candidates are in order, so those behind this one are out of reach, too.
        if (exact && isOutOfReach((unread[from] as Candidate).score)) return true;
        const some = unread.slice(from, seen.size === 0 ? undefined : from + seen.size);
        await readSome(some);
        from += some.length;
      }
      return all || (exact && isOutOfReach(scores.at(-1) as number));
    },
  };
}

interface Candidate {
  seq: number;
  score: number;
}

/** Fewer vectors than these do not show how far approximations are off. */
const FEWEST = 16;
/** Standard deviations that nothing is expected to be beyond. */
const DEVIATIONS = 5;

/**
 * How much a score can be above its approximation, by the last ones that were read. The farther down a vector is in the
 * order of approximations, the more its own is too low, so the first ones that were read do not count.
 */
function mostAbove(above: readonly number[]): number {
  if (above.length < FEWEST) return Number.POSITIVE_INFINITY;
  const last = above.slice(-Math.max(2 * FEWEST, Math.ceil(above.length / 2)));
  const mean = last.reduce((sum, each) => sum + each, 0) / last.length;
  const variance = last.reduce((sum, each) => sum + (each - mean) ** 2, 0) / last.length;
  return mean + DEVIATIONS * Math.sqrt(variance);
}

/** Best first; of equal ones, the lower seq first. */
export const inOrder = (hits: Hit[]): Hit[] => hits.sort((a, b) => b.score - a.score || a.seq - b.seq);
