import { MOST_TAGGED } from '../../contract/sample-filter.ts';
import { type SampleFilter, searchSamples } from './search-samples.ts';
import type { Store } from './store.ts';
import { tagSamples } from './tags.ts';

type Which = { seqs: readonly number[] } | { filter: SampleFilter; after: number | undefined; nextSeq: number };

/** How many samples fit, how many had to be changed, and where to go on; null if that was all. */
export interface TaggedSamples {
  matched: number;
  modified: number;
  next: number | null;
}

/** Adds and removes tags of samples, given by number, or of the next samples that pass a filter. */
export async function tagSelected(
  store: Store,
  datasetId: string,
  tags: { add: readonly string[]; remove: readonly string[] },
  which: Which,
): Promise<TaggedSamples> {
  if ('seqs' in which) return { ...(await tagSamples(store, datasetId, tags, which.seqs)), next: null };
  const { samples, next } = await searchSamples(store, {
    datasetId,
    filter: which.filter,
    from: which.after,
    limit: MOST_TAGGED,
    nextSeq: which.nextSeq,
  });
  const seqs = samples.map(({ seq }) => seq);
  return { ...(await tagSamples(store, datasetId, tags, seqs)), next };
}
