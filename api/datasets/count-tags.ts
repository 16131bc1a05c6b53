import type { Store } from '../../core/store/store.ts';
import { countAllTags, countTagged, listTags, MAX_TAGS } from '../../core/store/tags.ts';
import { problemOf } from '../problem/to-problem.ts';
import type { TagCounts } from '../schemas/datasets.ts';

export type Counts = TagCounts['tags'];

const WITHIN_MS = 10_000;
const COUNTED_AT_ONCE = 4;
const MAX_TIME_EXPIRED = 50;

/**
 * Counts the samples of each tag, most used first. Up to 1,000 tags are counted from the index on tags, without reading
 * a sample. With more tags, every tagged sample is read. Tags that are not text, written by other programs, are
 * ignored.
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
      tags.length > MAX_TAGS
        ? await countAllTags(store, datasetId, leftMs())
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

async function countEach(store: Store, datasetId: string, tags: string[], leftMs: () => number): Promise<Counts> {
  const counts: Counts = [];
  const waiting = tags.values();
  const work = async () => {
    for (const tag of waiting) {
      const samples = await countTagged(store, datasetId, tag, leftMs());
      if (samples > 0) counts.push({ tag, samples });
    }
  };
  await Promise.all(Array.from({ length: COUNTED_AT_ONCE }, work));
  return counts;
}
