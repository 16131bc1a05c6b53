import type { Hit } from './read-hits.ts';

/** A hit of two searches. */
export interface FusedHit extends Hit {
  /** Its places in the searches that found it, from 1. */
  ranks: { vector?: number; words?: number };
}

/** How many hits of each of two searches are joined, at least. */
export const FUSED = 100;

/** Dampens the first places, so that one search alone does not decide: the usual value. */
const K = 60;

/**
 * Joins the hits of a search by vectors and of one by words, by reciprocal rank fusion (Cormack et al., 2009, "Reciprocal
 * rank fusion outperforms Condorcet and individual rank learning methods"). The score of a hit is the sum of
 * 1 / (60 + place) over the searches that found it. Best first; of equal ones, the lower seq first.
 */
export function fuse(vector: readonly Hit[], words: readonly Hit[]): FusedHit[] {
  const fused = new Map<number, FusedHit>();
  for (const [name, hits] of Object.entries({ vector, words }))
    for (const [i, { seq, filepath }] of hits.entries()) {
      const hit = fused.get(seq) ?? { seq, filepath, score: 0, ranks: {} };
      hit.score += 1 / (K + i + 1);
      hit.ranks[name as 'vector' | 'words'] = i + 1;
      fused.set(seq, hit);
    }
  return [...fused.values()].sort((a, b) => b.score - a.score || a.seq - b.seq);
}
