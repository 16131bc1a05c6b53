/** Searches for duplicates: the chunks of a running one, and the groups that it has found. */
import { Binary, type ClientSession, ObjectId } from 'mongodb';
import type { ComparedCounts } from '../../contract/job.ts';
import { collectionsOf } from './collections.ts';
import type { DuplicatesDocument, DuplicatesRun } from './documents.ts';
import { notEnded } from './jobs.ts';
import { inTransaction, type Store } from './store.ts';

/** The work of one run of a job's workflow. */
export interface Comparison {
  jobId: string;
  /** The run that has planned the work. A job that was reset plans again. */
  plan: string;
}

/** A job that was reset has no counts until it has planned again. */
const ofPlan = ({ jobId, plan }: Comparison) => ({
  _id: jobId,
  ...notEnded,
  planned_by: plan,
  compared: { $exists: true },
});

const chunkId = ({ jobId, plan }: Comparison, from: number) => `${jobId}/${plan}/${from}`;

/** Begins a plan: its counts are 0, and chunks of an earlier plan are removed. Returns whether the job is open. */
export async function openComparison(store: Store, comparison: Comparison, total: number): Promise<boolean> {
  const { jobs, progress } = collectionsOf(store);
  const { jobId, plan } = comparison;
  return inTransaction(store, async (session) => {
    const { matchedCount } = await jobs.updateOne(
      { _id: jobId, ...notEnded },
      { $set: { planned_by: plan, compared: { samples: 0, total } } },
      { session },
    );
    if (matchedCount > 0) await progress.deleteMany({ job_id: jobId, phase: 'comparing' }, { session });
    return matchedCount > 0;
  });
}

/** A pair of samples, by their seqs. */
export type SeqPair = readonly [number, number];

/**
 * Stores the pairs of a chunk and counts its samples, in one transaction. A repeated call changes nothing. Returns
 * whether the plan is still the job's.
 */
export async function writePairs(
  store: Store,
  comparison: Comparison,
  { from, count, pairs }: { from: number; count: number; pairs: readonly SeqPair[] },
): Promise<boolean> {
  const { jobs, progress } = collectionsOf(store);
  const numbers = Float64Array.from(pairs.flat());
  const chunk = {
    job_id: comparison.jobId,
    phase: 'comparing' as const,
    done: count,
    failed: 0,
    total: count,
    opened: new ObjectId(),
    at: new Date(),
    pairs: new Binary(new Uint8Array(numbers.buffer)),
  };
  return inTransaction(store, async (session) => {
    const { upsertedCount } = await progress.updateOne(
      { _id: chunkId(comparison, from) },
      { $setOnInsert: chunk },
      { upsert: true, session },
    );
    const { matchedCount } = await jobs.updateOne(
      ofPlan(comparison),
      { $inc: { 'compared.samples': upsertedCount > 0 ? count : 0 } },
      { session },
    );
    if (matchedCount === 0) await session.abortTransaction();
    return matchedCount > 0;
  });
}

/** Whether the pairs of a chunk are stored. */
export async function hasPairs(store: Store, comparison: Comparison, from: number): Promise<boolean> {
  const found = await collectionsOf(store).progress.findOne(
    { _id: chunkId(comparison, from) },
    { projection: { _id: 1 } },
  );
  return found !== null;
}

/** All pairs that a plan's chunks have found, a chunk at a time. */
export async function* pairsOf(store: Store, { jobId }: Comparison): AsyncGenerator<SeqPair[]> {
  const chunks = collectionsOf(store).progress.find(
    { job_id: jobId, phase: 'comparing' },
    { projection: { pairs: 1 }, batchSize: 10 },
  );
  for await (const { pairs } of chunks) {
    if (pairs === undefined) continue;
    const numbers = new Float64Array(Uint8Array.from(pairs.value()).buffer);
    yield Array.from({ length: numbers.length / 2 }, (_, i) => [
      numbers[2 * i] as number,
      numbers[2 * i + 1] as number,
    ]);
  }
}

/** How far a job is; undefined if it has no record. */
export async function comparedBy(store: Store, jobId: string): Promise<ComparedCounts | undefined> {
  const job = await collectionsOf(store).jobs.findOne({ _id: jobId }, { projection: { compared: 1 } });
  return job?.compared;
}

/** Stores groups of a job, which nobody reads before they are published. A group that is there is replaced. */
export async function writeGroups(store: Store, groups: readonly DuplicatesDocument[]): Promise<void> {
  if (groups.length === 0) return;
  await collectionsOf(store).duplicates.bulkWrite(
    groups.map((replacement) => ({
      replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true },
    })),
    { ordered: false },
  );
}

/**
 * Makes a job's groups those of its dataset, in one step. Returns whether the plan is still the job's and the dataset is
 * there.
 */
export async function publishGroups(
  store: Store,
  comparison: Comparison,
  datasetId: string,
  run: DuplicatesRun,
): Promise<boolean> {
  const { jobs, datasets } = collectionsOf(store);
  return inTransaction(store, async (session) => {
    const ofJob = await jobs.updateOne(ofPlan(comparison), { $set: { 'compared.groups': run.groups } }, { session });
    const ofDataset = await datasets.updateOne(
      { _id: datasetId, deleting: { $exists: false } },
      { $set: { duplicates: run, last_modified_at: run.finished_at } },
      { session },
    );
    const isDone = ofJob.matchedCount > 0 && ofDataset.matchedCount > 0;
    if (!isDone) await session.abortTransaction();
    return isDone;
  });
}

/** Removes the groups of all jobs of a dataset but one, and those of that job from a number on. */
export async function removeOtherGroups(
  store: Store,
  datasetId: string,
  { jobId, from }: { jobId: string; from: number },
): Promise<void> {
  const others = [{ job_id: { $ne: jobId } }, { job_id: jobId, group: { $gte: from } }];
  await collectionsOf(store).duplicates.deleteMany({ dataset_id: datasetId, $or: others });
}

/** Removes the groups of a job. */
export async function removeGroupsOf(store: Store, datasetId: string, jobId: string): Promise<void> {
  await collectionsOf(store).duplicates.deleteMany({ dataset_id: datasetId, job_id: jobId });
}

/** Removes the next groups of a dataset, at most `count`. Returns how many it removed; undefined if none were left. */
export async function removeNextGroups(
  store: Store,
  datasetId: string,
  count: number,
  session: ClientSession,
): Promise<number | undefined> {
  const { duplicates } = collectionsOf(store);
  const next = await duplicates
    .find({ dataset_id: datasetId }, { projection: { _id: 1 }, session })
    .limit(count)
    .toArray();
  if (next.length === 0) return undefined;
  return (await duplicates.deleteMany({ _id: { $in: next.map(({ _id }) => _id) } }, { session })).deletedCount;
}

/** Groups of a search after a group's number, in the order of their numbers. */
export async function groupsAfter(
  store: Store,
  {
    datasetId,
    jobId,
    kind,
    after,
    limit,
  }: {
    datasetId: string;
    jobId: string;
    kind?: DuplicatesDocument['kind'] | undefined;
    after: number;
    limit: number;
  },
): Promise<DuplicatesDocument[]> {
  return collectionsOf(store)
    .duplicates.find(
      { dataset_id: datasetId, job_id: jobId, ...(kind === undefined ? {} : { kind }), group: { $gt: after } },
      { sort: { group: 1 }, limit },
    )
    .toArray();
}
