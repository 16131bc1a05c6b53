import { INDEXES } from '../../core/store/find-samples.ts';
import type { Store } from '../../core/store/store.ts';
import { problemOf } from '../problem/to-problem.ts';
import type { TagCounts } from '../schemas/datasets.ts';

export type Counts = TagCounts['tags'];

const MOST_TAGS = 1000;
const WITHIN_MS = 10_000;
const COUNTED_AT_ONCE = 4;
const MAX_TIME_EXPIRED = 50;

/**
 * The tags in use, the most used first. No sample is read where there are at most 1,000: the index on tags says which there are and
 * how many samples have each. Where there are more, every sample that has one is looked at. What another program has written among the
 * tags, and is no text, is passed over.
 *
 * @throws ProblemError TooSlow
 */
export async function countTags(store: Store, datasetId: string, { withinMs = WITHIN_MS } = {}): Promise<Counts> {
  const untilMs = performance.now() + withinMs;
  const leftMs = () => {
    const ms = Math.floor(untilMs - performance.now());
    if (ms > 0) return ms;
    throw tooSlow(datasetId);
  };
  try {
    const tags = await listTags(store, datasetId, leftMs);
    const counts =
      tags.length > MOST_TAGS
        ? await countAll(store, datasetId, leftMs())
        : await countEach(store, datasetId, tags, leftMs);
    return counts.sort((a, b) => b.samples - a.samples || Buffer.compare(Buffer.from(a.tag), Buffer.from(b.tag)));
  } catch (error) {
    throw (error as { code?: unknown }).code === MAX_TIME_EXPIRED ? tooSlow(datasetId) : error;
  }
}

const tooSlow = (datasetId: string) =>
  problemOf('TooSlow', `The tags of ${datasetId} can't be counted in ${WITHIN_MS / 1000} seconds.`, {
    headers: { 'Retry-After': '30' },
  });

/** From one tag to the next by the index; one more than MOST_TAGS where there are more. */
async function listTags(store: Store, datasetId: string, leftMs: () => number): Promise<string[]> {
  const tags: string[] = [];
  for (let last = ''; tags.length <= MOST_TAGS; ) {
    // Without a sort: in the order of the index, which the server would not take for sorted, as samples have several tags.
    const sample = await store.samples.findOne(
      { dataset_id: datasetId, tags: { $gt: last } },
      { projection: { _id: 0, tags: 1 }, hint: INDEXES.tag, maxTimeMS: leftMs() },
    );
    const behind = sample?.tags.filter((tag) => typeof tag === 'string' && isAfter(tag, last)) ?? [];
    if (behind.length === 0) break;
    const next = behind.reduce((a, b) => (isAfter(a, b) ? b : a));
    tags.push(next);
    last = next;
  }
  return tags;
}

/** In MongoDB's order: by the bytes of UTF-8. */
const isAfter = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b)) > 0;

async function countEach(store: Store, datasetId: string, tags: string[], leftMs: () => number): Promise<Counts> {
  const counts: Counts = [];
  const waiting = tags.values();
  const work = async () => {
    for (const tag of waiting) {
      const filter = { dataset_id: datasetId, tags: tag };
      const samples = await store.samples.countDocuments(filter, { hint: INDEXES.tag, maxTimeMS: leftMs() });
      if (samples > 0) counts.push({ tag, samples });
    }
  };
  await Promise.all(Array.from({ length: COUNTED_AT_ONCE }, work));
  return counts;
}

function countAll(store: Store, datasetId: string, maxTimeMS: number): Promise<Counts> {
  return store.samples
    .aggregate<Counts[number]>(
      [
        { $match: { dataset_id: datasetId, tags: { $gt: '' } } },
        { $unwind: '$tags' },
        { $match: { tags: { $type: 'string' } } },
        { $group: { _id: '$tags', samples: { $sum: 1 } } },
        { $sort: { samples: -1, _id: 1 } },
        { $limit: MOST_TAGS },
        { $project: { _id: 0, tag: '$_id', samples: 1 } },
      ],
      { hint: INDEXES.tag, maxTimeMS },
    )
    .toArray();
}
