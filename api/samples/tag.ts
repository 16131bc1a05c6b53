import { type SampleFilter, searchSamples } from '../../core/store/search-samples.ts';
import type { Store } from '../../core/store/store.ts';
import { tagSamples } from '../../core/store/tags.ts';
import { MOST_TAGGED, type Tagged } from '../schemas/samples.ts';

type Which = { seqs: number[] } | { filter: SampleFilter; after: number | undefined; nextSeq: number };

/** Adds and removes tags of samples, given by number, or of the next samples that pass a filter. */
export async function tagSelected(
  store: Store,
  datasetId: string,
  tags: { add: string[]; remove: string[] },
  which: Which,
): Promise<Tagged> {
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
