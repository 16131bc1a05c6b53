import type { FileOutcomes, PhaseName } from '../../contract/job.ts';
import type { Store } from './store.ts';

export const progressId = (jobId: string, phase: PhaseName, chunk: number) => `${jobId}/${phase}/${chunk}`;

export interface ChunkCount {
  done: number;
  failed: number;
}

/**
 * Notes how far a chunk has come. All counts of a chunk come from one attempt: those of a later attempt take the place of an
 * earlier one's as soon as it has come as far, so what is shown never goes backwards and never mixes two attempts. Returns false
 * where the chunk is not there to be raised: its load is over.
 */
export async function raiseProgress(
  store: Store,
  chunk: { jobId: string; phase: PhaseName; chunk: number },
  count: ChunkCount & { outcomes?: Partial<FileOutcomes> },
): Promise<boolean> {
  const { jobId, phase } = chunk;
  const { done, failed, outcomes = {} } = count;
  const before = { $add: [{ $ifNull: ['$done', 0] }, { $ifNull: ['$failed', 0] }] };
  const replaced = {
    $mergeObjects: ['$$ROOT', { done, failed }, { outcomes: { $mergeObjects: ['$outcomes', outcomes] }, at: '$$NOW' }],
  };
  const { matchedCount } = await store.progress.updateOne({ _id: progressId(jobId, phase, chunk.chunk) }, [
    { $replaceWith: { $cond: [{ $gte: [done + failed, before] }, replaced, '$$ROOT'] } },
  ]);
  return matchedCount > 0;
}

export interface PhaseSums extends ChunkCount {
  total: number;
  outcomes: FileOutcomes;
}

const OUTCOMES: (keyof FileOutcomes)[] = [
  'added',
  'changed',
  'unchanged',
  'missing',
  'failed',
  'ignored',
  'unreadable_folders',
  'outside_links',
];

/** Sums the chunks of each phase of a load. Phases without a chunk are absent. */
export async function sumProgress(store: Store, jobId: string): Promise<Map<PhaseName, PhaseSums>> {
  const rows = await store.progress
    .aggregate<{ _id: PhaseName; done: number; failed: number; total: number } & Record<string, number>>([
      { $match: { job_id: jobId } },
      {
        $group: {
          _id: '$phase',
          done: { $sum: '$done' },
          failed: { $sum: '$failed' },
          total: { $sum: '$total' },
          ...Object.fromEntries(OUTCOMES.map((name) => [`outcome_${name}`, { $sum: `$outcomes.${name}` }])),
        },
      },
    ])
    .toArray();
  return new Map(
    rows.map((row) => {
      const outcomes = Object.fromEntries(OUTCOMES.map((name) => [name, row[`outcome_${name}`] ?? 0]));
      return [
        row._id,
        {
          done: row.done,
          failed: row.failed,
          total: row.total,
          outcomes: outcomes as unknown as FileOutcomes,
        },
      ];
    }),
  );
}

/** Of paths that a load names. */
export const MOST_NAMED = 100;

/** The first folders of a load that could not be read, or links that lead out of the source roots. */
export async function namedPaths(
  store: Store,
  jobId: string,
  kind: 'unreadable_folders' | 'outside_links',
): Promise<string[]> {
  const pages = await store.progress
    .find({ job_id: jobId, [`${kind}.0`]: { $exists: true } }, { projection: { [kind]: 1 } })
    .limit(MOST_NAMED)
    .toArray();
  return pages.flatMap((page) => page[kind] ?? []).slice(0, MOST_NAMED);
}
