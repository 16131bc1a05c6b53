import type { FileOutcomes, PhaseName } from './documents.ts';
import type { Store } from './store.ts';

export const progressId = (loadId: string, phase: PhaseName, chunk: number) => `${loadId}/${phase}/${chunk}`;

export interface ChunkCount {
  done: number;
  failed: number;
}

/**
 * Notes how far a chunk has come. Counts only rise, so a retried attempt that starts the chunk over never makes the shown
 * progress go backwards.
 */
export async function raiseProgress(
  store: Store,
  chunk: { loadId: string; phase: PhaseName; chunk: number; total?: number },
  count: ChunkCount & { outcomes?: Partial<FileOutcomes> },
): Promise<void> {
  const outcomes = Object.entries(count.outcomes ?? {}).map(([name, n]) => [`outcomes.${name}`, n]);
  await store.progress.updateOne(
    { _id: progressId(chunk.loadId, chunk.phase, chunk.chunk) },
    {
      $max: { done: count.done, failed: count.failed },
      $set: Object.fromEntries(outcomes),
      $setOnInsert: {
        load_id: chunk.loadId,
        phase: chunk.phase,
        ...(chunk.total === undefined ? {} : { total: chunk.total }),
      },
    },
    { upsert: chunk.total !== undefined },
  );
}

export interface PhaseSums extends ChunkCount {
  total: number;
  outcomes: FileOutcomes;
  unreadableFolders: string[];
}

const OUTCOMES: (keyof FileOutcomes)[] = [
  'added',
  'changed',
  'unchanged',
  'missing',
  'failed',
  'ignored',
  'unreadable_folders',
];

/** Sums the chunks of each phase of a load. Phases without a chunk are absent. */
export async function sumProgress(store: Store, loadId: string): Promise<Map<PhaseName, PhaseSums>> {
  const rows = await store.progress
    .aggregate<
      { _id: PhaseName; done: number; failed: number; total: number; folders: string[][] } & Record<string, number>
    >([
      { $match: { load_id: loadId } },
      {
        $group: {
          _id: '$phase',
          done: { $sum: '$done' },
          failed: { $sum: '$failed' },
          total: { $sum: '$total' },
          folders: { $push: '$unreadable_folders' },
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
          unreadableFolders: row.folders.flat().slice(0, 100),
        },
      ];
    }),
  );
}
