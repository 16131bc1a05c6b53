import { wordHashes } from '../../packed-words.ts';
import type { SampleFilter } from '../../store/search-samples.ts';
import { seqsMatchingAfter } from '../../store/search-vectors.ts';
import { textsThere } from '../../store/search-words.ts';
import type { Store } from '../../store/store.ts';
import type { Hit } from '../read-hits.ts';
import type { WordFinder, WordsAt } from './word-finder.ts';

/** A request for the samples that have the words of a query. */
export interface WordSearch {
  datasetId: string;
  text: string;
  /** How many hits to find. */
  limit: number;
  filter?: SampleFilter | undefined;
}

/** More candidates than hits, because some samples have gone since. */
const SPARE = 32;
/** A filter that leaves fewer hits among so many candidates is decided first. */
const WIDEST_LOOK = 2000;
/** Samples that match a filter and are looked among at once. */
const MATCHES = 50_000;

/**
 * Finds the samples of a dataset that have words of a query, by BM25, best first; of equal ones, the lower seq first.
 * Every sample that has one of the words is scored.
 */
export async function searchWords(store: Store, finder: WordFinder, search: WordSearch): Promise<Hit[]> {
  const { datasetId, text, limit, filter } = search;
  const hashes = wordHashes(text);
  if (hashes.length === 0) return [];
  const at = await finder.at(datasetId);
  const most = filter === undefined ? Number.MAX_SAFE_INTEGER : WIDEST_LOOK;
  const near = await hitsAmong(store, at, { ...search, hashes, most });
  if (near.hits.length >= limit || near.all || filter === undefined) return near.hits;
  let hits: Hit[] = [];
  for (let after = -1; ; ) {
    const seqs = await seqsMatchingAfter(store, { datasetId, filter, after, most: MATCHES });
    const found = await hitsAmong(store, at, { ...search, hashes, most: Number.MAX_SAFE_INTEGER, among: seqs });
    hits = [...hits, ...found.hits].sort((a, b) => b.score - a.score || a.seq - b.seq).slice(0, limit);
    if (seqs.length < MATCHES) return hits;
    after = seqs.at(-1) as number;
  }
}

/** The hits among the best candidates: `most` of these are looked at. `all` tells that there are no others. */
async function hitsAmong(
  store: Store,
  at: WordsAt,
  {
    datasetId,
    limit,
    filter,
    hashes,
    most,
    among,
  }: WordSearch & { hashes: readonly number[]; most: number; among?: readonly number[] },
): Promise<{ hits: Hit[]; all: boolean }> {
  const looked = new Set<number>();
  const there = new Map<number, string>();
  for (let count = limit + SPARE; ; count *= 4) {
    // A set takes in what is new between two looks, so each look gives an order of its own.
    const { seqs, scores, all } = await at.find(hashes, Math.min(count, most), among);
    const fresh = seqs.filter((seq) => !looked.has(seq));
    for (const [seq, filepath] of await textsThere(store, datasetId, fresh, filter)) there.set(seq, filepath);
    for (const seq of fresh) looked.add(seq);
    const hits = seqs.flatMap((seq, i): Hit[] => {
      const filepath = there.get(seq);
      return filepath === undefined ? [] : [{ seq, filepath, score: scores[i] as number }];
    });
    if (hits.length >= limit || all || count >= most) return { hits: hits.slice(0, limit), all };
  }
}
