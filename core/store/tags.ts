import { collectionsOf } from './collections.ts';
import { SAMPLE_INDEXES } from './prepare.ts';
import type { Store } from './store.ts';

/** A tag, and how many samples have it. */
export interface TagCount {
  tag: string;
  samples: number;
}

/** The most tags that are listed. */
export const MAX_TAGS = 1000;

/**
 * The tags of a dataset's samples in UTF-8 byte order, from the index alone. Returns one more than MAX_TAGS if there
 * are more. Skips entries that are not strings, which another program may have written.
 *
 * @param leftMs the time left for the next query, in milliseconds
 */
export async function listTags(store: Store, datasetId: string, leftMs: () => number): Promise<string[]> {
  const { samples } = collectionsOf(store);
  const tags: string[] = [];
  for (let last = ''; tags.length <= MAX_TAGS; ) {
    // Has no sort, so results come in index order. The server would sort in memory otherwise, because samples have
    // several tags.
    const sample = await samples.findOne(
      { dataset_id: datasetId, tags: { $gt: last } },
      { projection: { _id: 0, tags: 1 }, hint: SAMPLE_INDEXES.tag, maxTimeMS: leftMs() },
    );
    const later = sample?.tags.filter((tag) => typeof tag === 'string' && isAfter(tag, last)) ?? [];
    if (later.length === 0) break;
    const next = later.reduce((a, b) => (isAfter(a, b) ? b : a));
    tags.push(next);
    last = next;
  }
  return tags;
}

/** MongoDB's order: by UTF-8 bytes. */
const isAfter = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b)) > 0;

/** Counts the samples that have a tag. */
export async function countTagged(store: Store, datasetId: string, tag: string, maxTimeMS: number): Promise<number> {
  const filter = { dataset_id: datasetId, tags: tag };
  return collectionsOf(store).samples.countDocuments(filter, { hint: SAMPLE_INDEXES.tag, maxTimeMS });
}

/** The MAX_TAGS most used tags, counted over every sample that has one. */
export async function countAllTags(store: Store, datasetId: string, maxTimeMS: number): Promise<TagCount[]> {
  return collectionsOf(store)
    .samples.aggregate<TagCount>(
      [
        { $match: { dataset_id: datasetId, tags: { $gt: '' } } },
        { $unwind: '$tags' },
        { $match: { tags: { $type: 'string' } } },
        { $group: { _id: '$tags', samples: { $sum: 1 } } },
        { $sort: { samples: -1, _id: 1 } },
        { $limit: MAX_TAGS },
        { $project: { _id: 0, tag: '$_id', samples: 1 } },
      ],
      { hint: SAMPLE_INDEXES.tag, maxTimeMS },
    )
    .toArray();
}

/** Adds tags to samples and removes others. A tag in both lists is added. Repeating it changes nothing. */
export async function tagSamples(
  store: Store,
  datasetId: string,
  { add, remove }: { add: readonly string[]; remove: readonly string[] },
  seqs: readonly number[],
): Promise<{ matched: number; modified: number }> {
  const { samples } = collectionsOf(store);
  // Literals are required: in a pipeline, a string that begins with $ is an expression and would store another field.
  const kept = { $setDifference: [{ $ifNull: ['$tags', []] }, { $literal: remove }] };
  const tagged = { $setUnion: [kept, { $literal: add }] };
  const changed = { $not: { $setEquals: [{ $ifNull: ['$tags', []] }, tagged] } };
  const filter = { dataset_id: datasetId, seq: { $in: [...seqs] } };
  const hint = SAMPLE_INDEXES.seq;
  const matched = await samples.countDocuments(filter, { hint });
  const { modifiedCount } = await samples.updateMany(
    { ...filter, $expr: changed },
    [{ $set: { tags: tagged, last_modified_at: '$$NOW' } }],
    { hint },
  );
  return { matched, modified: modifiedCount };
}
