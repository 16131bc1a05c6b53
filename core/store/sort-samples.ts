import { type Filter, type FindOptions, MaxKey, MinKey } from 'mongodb';
import { UserError } from '../errors.ts';
import { collectionsOf } from './collections.ts';
import type { SampleDocument } from './documents.ts';
import {
  conditionOf,
  type FoundSamples,
  MAX_EXAMINED,
  pageOptions,
  readPage,
  type SampleSearch,
} from './search-samples.ts';
import type { Store } from './store.ts';

/** Orders of samples other than that of their numbers, each with the fields of its index behind `dataset_id`. */
export const SAMPLE_SORTS = {
  path: ['filepath', 'part'],
  date: ['source.mtime_ns', 'seq'],
  size: ['source.size_bytes', 'seq'],
} as const;
export type SampleSort = keyof typeof SAMPLE_SORTS;

type Key = Record<string, unknown>;

/** Times are nanoseconds: more than a JavaScript number holds. */
const EXACT = { promoteLongs: false };

/**
 * Searches samples in another order, with keyset paging: `from` and `next` are numbers of samples, whose places in the
 * index bound the search. A filter is decided by looking at samples, at most MAX_EXAMINED.
 *
 * @throws UserError SampleNotFound if the sample `from` is there no more
 */
export async function sortSamples(store: Store, search: SampleSearch, sort: SampleSort): Promise<FoundSamples> {
  const { datasetId, direction = 1, from, limit, annotations = false } = search;
  const { samples } = collectionsOf(store);
  const [first, second] = SAMPLE_SORTS[sort];
  const keyAt = (value: unknown, tie: unknown): Key => ({ dataset_id: datasetId, [first]: value, [second]: tie });
  const keyOf = (sample: SampleDocument, step = 0) => {
    const tie = second === 'part' ? (sample.part ?? 0) : sample.seq;
    return keyAt(sortedBy(sample, sort), tie + step);
  };
  const order = { dataset_id: direction, [first]: direction, [second]: direction } as const;
  const hint = { dataset_id: 1, [first]: 1, [second]: 1 };
  const bounds = { min: keyAt(new MinKey(), new MinKey()), max: keyAt(new MaxKey(), new MaxKey()) };
  if (from !== undefined) {
    const last = await samples.findOne({ dataset_id: datasetId, seq: from }, EXACT);
    if (last === null) throw new UserError('SampleNotFound', `There is no sample ${from} any more: begin again.`);
    // The lower bound is inclusive, the upper one is not.
    if (direction === 1) bounds.min = keyOf(last, 1);
    else bounds.max = keyOf(last);
  }
  const condition = conditionOf(search.filter);
  const filtered = Object.keys(condition).length > 0;
  const within = (filter: Filter<SampleDocument>, options: FindOptions = {}) =>
    samples.find({ dataset_id: datasetId, ...filter }, { ...options, hint, sort: order, ...bounds });
  const end = filtered ? await within({}, { ...EXACT, skip: MAX_EXAMINED - 1, limit: 1 }).next() : null;
  if (end !== null && direction === 1) bounds.max = keyOf(end, 1);
  if (end !== null && direction === -1) bounds.min = keyOf(end);
  const page = await readPage(within(condition, pageOptions(limit, annotations)), limit, annotations);
  return page.next === null && end !== null ? { ...page, next: end.seq } : page;
}

function sortedBy({ filepath, source }: SampleDocument, sort: SampleSort): unknown {
  if (sort === 'path') return filepath;
  return sort === 'size' ? source.size_bytes : source.mtime_ns;
}
