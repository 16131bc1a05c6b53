import type { Store } from '../../core/store/store.ts';

/** Samples and vectors that jobs have written: of jobs that are over by their records, of those under way by their chunks. */
export async function countWritten(store: Store, maxTimeMS: number): Promise<{ samples: number; vectors: number }> {
  const [ended] = await store.jobs
    .aggregate<Sums>(
      [
        { $match: { finished_at: { $exists: true } } },
        {
          $group: {
            _id: null,
            samples: written('phases.indexing.outcomes'),
            vectors: { $sum: '$phases.embedding.done' },
          },
        },
      ],
      { maxTimeMS },
    )
    .toArray();
  const ids = await store.jobs.distinct('_id', { finished_at: { $exists: false } }, { maxTimeMS });
  const [underWay] = await store.progress
    .aggregate<Sums>(
      [
        { $match: { job_id: { $in: ids } } },
        {
          $group: {
            _id: null,
            samples: written('outcomes'),
            vectors: { $sum: { $cond: [{ $eq: ['$phase', 'embedding'] }, '$done', 0] } },
          },
        },
      ],
      { maxTimeMS },
    )
    .toArray();
  return {
    samples: (ended?.samples ?? 0) + (underWay?.samples ?? 0),
    vectors: (ended?.vectors ?? 0) + (underWay?.vectors ?? 0),
  };
}

interface Sums {
  samples: number;
  vectors: number;
}

const written = (outcomes: string) => ({
  $sum: { $add: ['added', 'changed'].map((field) => ({ $ifNull: [`$${outcomes}.${field}`, 0] })) },
});
