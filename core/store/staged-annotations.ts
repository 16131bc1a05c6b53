/** Annotations that a job has read and not yet applied. */
import { Binary } from 'mongodb';
import { collectionsOf } from './collections.ts';
import type { ReadingDocument, StagedDocument } from './documents.ts';
import { isDuplicateKey, type Store } from './store.ts';

/** How far a job has read its annotations; undefined if it has not begun. */
export async function findReading(store: Store, jobId: string): Promise<ReadingDocument | undefined> {
  return (await collectionsOf(store).annotation_readings.findOne({ _id: jobId })) ?? undefined;
}

/** Pieces of one bucket, as JSON. */
export interface BucketOfPieces {
  bucket: number;
  pieces: Buffer;
}

/** Stores buckets under the name of a flush. They count once the reading names the flush. */
export async function writeStaged(
  store: Store,
  { jobId, set, flush }: { jobId: string; set: number; flush: string },
  buckets: readonly BucketOfPieces[],
): Promise<void> {
  if (buckets.length === 0) return;
  const documents: StagedDocument[] = buckets.map(({ bucket, pieces }, n) => ({
    _id: `${jobId}/${flush}/${n}`,
    job_id: jobId,
    set,
    flush,
    n,
    bucket,
    pieces: new Binary(pieces),
  }));
  await collectionsOf(store).staged_annotations.insertMany(documents, { ordered: false });
}

/** Notes how far a reading is, after its flushes. Returns false if another attempt has noted as many. */
export async function noteReading(
  store: Store,
  reading: ReadingDocument,
  before: number | undefined,
): Promise<boolean> {
  const { annotation_readings } = collectionsOf(store);
  if (before !== undefined) {
    const { matchedCount } = await annotation_readings.replaceOne({ _id: reading._id, steps: before }, reading);
    return matchedCount === 1;
  }
  try {
    await annotation_readings.insertOne(reading);
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

/** The pieces of buckets from one up to another. Those of each bucket are in the order in which they were read. */
export async function stagedPieces(
  store: Store,
  { _id: job_id, flushes }: ReadingDocument,
  { set, from, to }: { set: number; from: number; to: number },
): Promise<Buffer[]> {
  const found = await collectionsOf(store)
    .staged_annotations.find(
      { job_id, set, bucket: { $gte: from, $lt: to } },
      { projection: { _id: 0, flush: 1, n: 1, pieces: 1 } },
    )
    .toArray();
  const order = new Map(flushes.map((flush, i) => [flush, i]));
  // An attempt that died has left flushes that no reading names.
  return found
    .filter(({ flush }) => order.has(flush))
    .sort((a, b) => (order.get(a.flush) ?? 0) - (order.get(b.flush) ?? 0) || a.n - b.n)
    .map(({ pieces }) => Buffer.from(pieces.buffer));
}

/** Removes what these jobs have read. */
export async function removeStaged(store: Store, jobIds: readonly string[]): Promise<void> {
  if (jobIds.length === 0) return;
  const { staged_annotations, annotation_readings } = collectionsOf(store);
  await annotation_readings.deleteMany({ _id: { $in: [...jobIds] } });
  await staged_annotations.deleteMany({ job_id: { $in: [...jobIds] } });
}

/** IDs of the jobs that have read annotations. */
export async function jobsWithStaged(store: Store): Promise<string[]> {
  const { staged_annotations, annotation_readings } = collectionsOf(store);
  const groups = staged_annotations.aggregate<{ _id: string }>([{ $group: { _id: '$job_id' } }]);
  const readings = annotation_readings.find({}, { projection: { _id: 1 } });
  const found = await Promise.all([groups.toArray(), readings.toArray()]);
  return [...new Set(found.flat().map(({ _id }) => _id))];
}
