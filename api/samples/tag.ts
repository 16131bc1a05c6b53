import { findSamples, INDEXES, type SampleFilter } from '../../core/store/find-samples.ts';
import type { Store } from '../../core/store/store.ts';
import { MOST_TAGGED, type Tagged } from '../schemas/samples.ts';

type Which = { seqs: number[] } | { filter: SampleFilter; after: number | undefined; nextSeq: number };

/** Adds tags to samples and removes others. A tag that is in both lists is added. Repeating it changes nothing. */
export async function tagSamples(
  store: Store,
  datasetId: string,
  tags: { add: string[]; remove: string[] },
  which: Which,
): Promise<Tagged> {
  if ('seqs' in which) return { ...(await update(store, datasetId, tags, which.seqs)), next: null };
  const { samples, next } = await findSamples(store, {
    datasetId,
    filter: which.filter,
    from: which.after,
    limit: MOST_TAGGED,
    nextSeq: which.nextSeq,
  });
  const seqs = samples.map(({ seq }) => seq);
  return { ...(await update(store, datasetId, tags, seqs)), next };
}

async function update(
  store: Store,
  datasetId: string,
  { add, remove }: { add: string[]; remove: string[] },
  seqs: number[],
): Promise<Omit<Tagged, 'next'>> {
  // Literally: in a pipeline a text that begins with $ is an expression, which would store what else the sample holds.
  const kept = { $setDifference: [{ $ifNull: ['$tags', []] }, { $literal: remove }] };
  const tagged = { $setUnion: [kept, { $literal: add }] };
  const changed = { $not: { $setEquals: [{ $ifNull: ['$tags', []] }, tagged] } };
  const filter = { dataset_id: datasetId, seq: { $in: seqs } };
  const matched = await store.samples.countDocuments(filter, { hint: INDEXES.seq });
  const { modifiedCount } = await store.samples.updateMany(
    { ...filter, $expr: changed },
    [{ $set: { tags: tagged, last_modified_at: '$$NOW' } }],
    { hint: INDEXES.seq },
  );
  return { matched, modified: modifiedCount };
}
