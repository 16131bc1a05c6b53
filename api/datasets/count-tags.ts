import { INDEXES } from '../../core/store/find-samples.ts';
import type { Store } from '../../core/store/store.ts';
import type { TagCounts } from '../schemas/datasets.ts';

const MOST_TAGS = 1000;
const MAX_TIME_MS = 10_000;

/** The tags in use, the most used first. It looks at every sample that has a tag, by the index on tags, and at no other. */
export function countTags(store: Store, datasetId: string): Promise<TagCounts['tags']> {
  return store.samples
    .aggregate<TagCounts['tags'][number]>(
      [
        { $match: { dataset_id: datasetId, tags: { $gt: '' } } },
        { $unwind: '$tags' },
        { $group: { _id: '$tags', samples: { $sum: 1 } } },
        { $sort: { samples: -1, _id: 1 } },
        { $limit: MOST_TAGS },
        { $project: { _id: 0, tag: '$_id', samples: 1 } },
      ],
      { hint: INDEXES.tag, maxTimeMS: MAX_TIME_MS },
    )
    .toArray();
}
