import { type ClientSession, ObjectId } from 'mongodb';
import type { FileOutcomes, PhaseName } from '../../contract/job.ts';
import { collectionsOf } from './collections.ts';
import { takeSeqs } from './datasets.ts';
import type { ProgressDocument, SeqBlock } from './documents.ts';
import { inTransaction, type Store } from './store.ts';

/** A chunk of a phase's work: a page, or a range of seqs to embed. */
export interface ChunkReference {
  jobId: string;
  phase: PhaseName;
  chunk: number;
}

/** The count of a chunk that an attempt has found, and no other that takes its place. */
export type OpenChunk = ChunkReference & Pick<ProgressDocument, 'opened'>;

/** The `_id` of a chunk's count. */
export const progressId = ({ jobId, phase, chunk }: ChunkReference) => `${jobId}/${phase}/${chunk}`;

/** How many items of a chunk are done, and how many failed. */
export interface ChunkCount {
  done: number;
  failed: number;
  reused?: number;
}

/** Creates the count of a page, with the outcomes of its listing. */
export async function insertPageProgress(
  store: Store,
  page: Omit<ChunkReference, 'phase'>,
  counted: Pick<ProgressDocument, 'done' | 'total' | 'outcomes' | 'unreadable_folders' | 'outside_links'>,
  session: ClientSession,
): Promise<void> {
  await collectionsOf(store).progress.insertOne(
    {
      _id: progressId({ ...page, phase: 'indexing' }),
      job_id: page.jobId,
      phase: 'indexing',
      failed: 0,
      opened: new ObjectId(),
      at: new Date(),
      ...counted,
    },
    { session },
  );
}

/** Creates the counts of an embedding's chunks, all at 0. Existing counts are kept. */
export async function insertChunkProgress(
  store: Store,
  jobId: string,
  chunks: readonly { chunk: number; total: number }[],
  session: ClientSession,
): Promise<void> {
  const phase = 'embedding' as const;
  const operations = chunks.map(({ chunk, total }) => {
    const count = { job_id: jobId, phase, done: 0, failed: 0, reused: 0, total, opened: new ObjectId() };
    const filter = { _id: progressId({ jobId, phase, chunk }) };
    return { updateOne: { filter, update: { $setOnInsert: count }, upsert: true } };
  });
  if (operations.length > 0) await collectionsOf(store).progress.bulkWrite(operations, { ordered: false, session });
}

/** Removes the counts of an embedding's chunks. */
export async function removeChunkProgress(store: Store, jobId: string, session: ClientSession): Promise<void> {
  await collectionsOf(store).progress.deleteMany({ job_id: jobId, phase: 'embedding' }, { session });
}

/** A chunk's count. Undefined if its job is over. */
export async function findProgress(store: Store, chunk: ChunkReference): Promise<ProgressDocument | undefined> {
  return (await collectionsOf(store).progress.findOne({ _id: progressId(chunk) })) ?? undefined;
}

/**
 * Records a chunk's progress. All counts of a chunk come from one attempt. A later attempt's counts replace the earlier
 * ones once it has come as far, so displayed counts never fall and never mix two attempts. Returns false if the chunk
 * has no such count, which means that its job is over or was reset.
 */
export async function raiseProgress(
  store: Store,
  chunk: OpenChunk,
  { done, failed, reused, outcomes = {} }: ChunkCount & { outcomes?: Partial<FileOutcomes> },
): Promise<boolean> {
  const before = { $add: [{ $ifNull: ['$done', 0] }, { $ifNull: ['$failed', 0] }] };
  const counts = { done, failed, ...(reused === undefined ? {} : { reused }) };
  const replaced = {
    $mergeObjects: ['$$ROOT', counts, { outcomes: { $mergeObjects: ['$outcomes', outcomes] }, at: '$$NOW' }],
  };
  const { matchedCount } = await collectionsOf(store).progress.updateOne(
    { _id: progressId(chunk), opened: chunk.opened },
    [{ $replaceWith: { $cond: [{ $gte: [done + failed, before] }, replaced, '$$ROOT'] } }],
  );
  return matchedCount > 0;
}

/**
 * Takes numbers for a batch of a page and records them on the page's count in the same transaction. A crash leaves both
 * or neither, so numbers stay dense. If two attempts run at one page, only one takes the numbers. The other gets false
 * and must read the blocks again.
 *
 * @param known how many blocks the caller has seen
 */
export async function takeBlock(
  store: Store,
  page: OpenChunk,
  datasetId: string,
  { batch, count, known }: { batch: number; count: number; known: number },
): Promise<SeqBlock | false> {
  const { progress } = collectionsOf(store);
  return inTransaction(store, async (session) => {
    const base = await takeSeqs(store, datasetId, count, session);
    if (base === undefined) return abort(session);
    const block = { batch, base, count };
    const { matchedCount } = await progress.updateOne(
      { _id: progressId(page), opened: page.opened, [`blocks.${known}`]: { $exists: false } },
      { $push: { blocks: block } },
      { session },
    );
    return matchedCount > 0 ? block : abort(session);
  });
}

async function abort(session: ClientSession): Promise<false> {
  await session.abortTransaction();
  return false;
}

/** The sums of a phase's chunks. */
export interface PhaseSums extends Required<ChunkCount> {
  total: number;
  outcomes: FileOutcomes;
}

/** The outcomes of a phase that found nothing. */
export const NO_OUTCOMES: FileOutcomes = {
  added: 0,
  changed: 0,
  unchanged: 0,
  missing: 0,
  failed: 0,
  ignored: 0,
  excluded: 0,
  unreadable_folders: 0,
  outside_links: 0,
};

const OUTCOMES = Object.keys(NO_OUTCOMES) as (keyof FileOutcomes)[];

/** Sums the chunks of each phase of a job. Phases without a chunk are absent. */
export async function sumProgress(store: Store, jobId: string): Promise<Map<PhaseName, PhaseSums>> {
  const rows = await collectionsOf(store)
    .progress.aggregate<{ _id: PhaseName } & Required<ChunkCount> & { total: number } & Record<string, number>>([
      { $match: { job_id: jobId } },
      {
        $group: {
          _id: '$phase',
          done: { $sum: '$done' },
          failed: { $sum: '$failed' },
          reused: { $sum: '$reused' },
          total: { $sum: '$total' },
          ...Object.fromEntries(OUTCOMES.map((name) => [`outcome_${name}`, { $sum: `$outcomes.${name}` }])),
        },
      },
    ])
    .toArray();
  return new Map(
    rows.map((row) => {
      const { done, failed, reused, total } = row;
      const outcomes = Object.fromEntries(OUTCOMES.map((name) => [name, row[`outcome_${name}`] ?? 0]));
      return [row._id, { done, failed, reused, total, outcomes: outcomes as unknown as FileOutcomes }];
    }),
  );
}

/** Counts the files on some pages of a job, and how many of them need no work. */
export async function sumPages(
  store: Store,
  jobId: string,
  pages: readonly number[],
): Promise<{ total: number; unchanged: number }> {
  const ids = pages.map((chunk) => progressId({ jobId, phase: 'indexing', chunk }));
  const counts = await collectionsOf(store)
    .progress.find({ _id: { $in: ids } }, { projection: { total: 1, 'outcomes.unchanged': 1 } })
    .toArray();
  return {
    total: counts.reduce((sum, count) => sum + count.total, 0),
    unchanged: counts.reduce((sum, count) => sum + (count.outcomes?.unchanged ?? 0), 0),
  };
}

/** The most paths that a job names. */
export const MAX_NAMED = 100;

/** The first unreadable folders of a job, or the first links that lead out of the source roots. */
export async function namedPaths(
  store: Store,
  jobId: string,
  kind: 'unreadable_folders' | 'outside_links',
): Promise<string[]> {
  const pages = await collectionsOf(store)
    .progress.find({ job_id: jobId, [`${kind}.0`]: { $exists: true } }, { projection: { [kind]: 1 } })
    .limit(MAX_NAMED)
    .toArray();
  return pages.flatMap((page) => page[kind] ?? []).slice(0, MAX_NAMED);
}

/** When a phase of a job last made progress. */
export async function lastMoved(store: Store, jobId: string, phase: PhaseName): Promise<Date | undefined> {
  const latest = await collectionsOf(store).progress.findOne(
    { job_id: jobId, phase, at: { $exists: true } },
    { sort: { at: -1 }, projection: { at: 1 } },
  );
  return latest?.at;
}

/** Whether the embedding of any of these jobs has made progress since a given time. */
export async function hasMovedSince(store: Store, jobIds: readonly string[], since: Date): Promise<boolean> {
  const filter = { job_id: { $in: [...jobIds] }, phase: 'embedding' as const, at: { $gte: since } };
  return (await collectionsOf(store).progress.findOne(filter, { projection: { _id: 1 } })) !== null;
}

/** Counts the files and vectors that running jobs have written so far. */
export async function sumWritten(
  store: Store,
  jobIds: readonly string[],
  maxTimeMS: number,
): Promise<{ samples: number; vectors: number }> {
  const outcome = (name: string) => ({ $ifNull: [`$outcomes.${name}`, 0] });
  const [sums] = await collectionsOf(store)
    .progress.aggregate<{ samples: number; vectors: number }>(
      [
        { $match: { job_id: { $in: [...jobIds] } } },
        {
          $group: {
            _id: null,
            samples: { $sum: { $add: [outcome('added'), outcome('changed')] } },
            vectors: { $sum: { $cond: [{ $eq: ['$phase', 'embedding'] }, '$done', 0] } },
          },
        },
      ],
      { maxTimeMS },
    )
    .toArray();
  return { samples: sums?.samples ?? 0, vectors: sums?.vectors ?? 0 };
}

/** Removes all counts of these jobs. */
export async function removeProgress(store: Store, jobIds: readonly string[], session?: ClientSession): Promise<void> {
  if (jobIds.length > 0)
    await collectionsOf(store).progress.deleteMany(
      { job_id: { $in: [...jobIds] } },
      session === undefined ? {} : { session },
    );
}

/** Removes the counts of a job's pages. */
export async function removePageProgress(store: Store, jobId: string, session: ClientSession): Promise<void> {
  await collectionsOf(store).progress.deleteMany({ job_id: jobId, phase: 'indexing' }, { session });
}

/** IDs of the jobs that have counts. */
export async function jobsWithProgress(store: Store): Promise<string[]> {
  const groups = collectionsOf(store).progress.aggregate<{ _id: string }>([{ $group: { _id: '$job_id' } }]);
  return (await groups.toArray()).map(({ _id }) => _id);
}
