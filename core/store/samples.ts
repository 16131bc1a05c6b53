import type { AnyBulkWriteOperation, ClientSession, Filter, FindCursor, ObjectId } from 'mongodb';
import type { PhaseName, RecordedError } from '../../contract/job.ts';
import { collectionsOf } from './collections.ts';
import type { SampleDocument } from './documents.ts';
import { oneBatch } from './one-batch.ts';
import { SAMPLE_INDEXES } from './prepare.ts';
import { PATHS_A_QUERY, slicesOf } from './slices.ts';
import { insertNew, inTransaction, type Store } from './store.ts';

/** Reading one sample, or a page of them. */

/** The words of a sample take as many bytes as its text, and only searches read them. */
export const WITHOUT_WORDS = { words: 0, words_written: 0 } as const;

/** Annotations may take megabytes, so most reads leave them out as well. */
export const WITHOUT_LARGE_FIELDS = { ...WITHOUT_WORDS, annotations: 0 } as const;

/** A sample by its seq, with its annotations; undefined if it does not exist. */
export async function findSample(store: Store, datasetId: string, seq: number): Promise<SampleDocument | undefined> {
  return (
    (await collectionsOf(store).samples.findOne({ dataset_id: datasetId, seq }, { projection: WITHOUT_WORDS })) ??
    undefined
  );
}

/** The samples of these seqs, in no order. Seqs without a sample are left out. */
export async function samplesOfSeqs(
  store: Store,
  datasetId: string,
  seqs: readonly number[],
  { annotations = false } = {},
): Promise<SampleDocument[]> {
  if (seqs.length === 0) return [];
  return collectionsOf(store)
    .samples.find(
      { dataset_id: datasetId, seq: { $in: [...seqs] } },
      {
        projection: annotations ? WITHOUT_WORDS : WITHOUT_LARGE_FIELDS,
        hint: SAMPLE_INDEXES.seq,
        ...oneBatch(seqs.length),
      },
    )
    .toArray();
}

/** Selects a page of a dataset's samples. */
export interface SampleQuery {
  datasetId: string;
  /** Only samples after this seq: `next` of the previous page. */
  after?: number | undefined;
  /** At most this many. */
  limit: number;
  status?: SampleDocument['status'] | undefined;
  /** Only samples that failed in this stage, or in any stage. */
  withError?: PhaseName | 'any' | undefined;
}

/** A page of samples, and the position of the next one. */
export interface SamplePage {
  /** In seq order. */
  samples: SampleDocument[];
  /** Pass as `after` for the next page; null on the last. */
  next: number | null;
}

/** One page of a dataset's samples. Keyset paging makes its cost independent of its position in the dataset. */
export async function listSamples(store: Store, query: SampleQuery): Promise<SamplePage> {
  const { datasetId, after, limit, status, withError } = query;
  const filter: Filter<SampleDocument> = {
    dataset_id: datasetId,
    ...(after === undefined ? {} : { seq: { $gt: after } }),
    ...(status === undefined ? {} : { status }),
    ...(withError === undefined
      ? {}
      : { error: { $exists: true }, ...(withError === 'any' ? {} : { 'error.stage': withError }) }),
  };
  // One extra sample shows whether there is a next page.
  const found = await collectionsOf(store)
    .samples.find(filter, { projection: WITHOUT_LARGE_FIELDS })
    .sort({ seq: 1 })
    .limit(limit + 1)
    .toArray();
  return pageOf(found, limit);
}

/** Samples whose error was recorded in a time span, by seq. */
export async function listErrorsBetween(
  store: Store,
  {
    datasetId,
    from,
    to,
    after,
    limit,
  }: { datasetId: string; from: Date | undefined; to: Date | undefined; after: number | undefined; limit: number },
  maxTimeMS: number,
): Promise<SamplePage> {
  const during = { ...(from === undefined ? {} : { $gte: from }), ...(to === undefined ? {} : { $lte: to }) };
  const found = await collectionsOf(store)
    .samples.find(
      {
        dataset_id: datasetId,
        ...(after === undefined ? {} : { seq: { $gt: after } }),
        error: { $exists: true },
        'error.at': during,
      },
      { projection: WITHOUT_LARGE_FIELDS, sort: { seq: 1 }, limit: limit + 1, hint: SAMPLE_INDEXES.error, maxTimeMS },
    )
    .toArray();
  return pageOf(found, limit);
}

function pageOf(found: SampleDocument[], limit: number): SamplePage {
  const samples = found.slice(0, limit);
  return { samples, next: found.length > limit ? (samples.at(-1)?.seq ?? null) : null };
}

/** Counting. */

/** Counts samples, by status if one is given. With a limit, counting stops at the limit. */
export async function countSamples(
  store: Store,
  datasetId: string,
  status?: SampleDocument['status'],
  limit?: number,
): Promise<number> {
  const filter = { dataset_id: datasetId, ...(status === undefined ? {} : { status }) };
  return collectionsOf(store).samples.countDocuments(filter, limit === undefined ? {} : { limit });
}

/** Whether any sample was read but could not be embedded. */
export async function hasEmbeddingFailure(store: Store, datasetId: string): Promise<boolean> {
  const failed = {
    dataset_id: datasetId,
    status: 'indexed' as const,
    error: { $exists: true },
    'error.stage': 'embedding' as const,
  };
  return (await collectionsOf(store).samples.countDocuments(failed, { limit: 1 })) > 0;
}

/** Counts the files that a job could not read, by error code, most frequent first. */
export async function countIndexingFailures(
  store: Store,
  jobId: string,
  datasetId: string,
): Promise<Record<string, number>> {
  const rows = await collectionsOf(store)
    .samples.aggregate<{ _id: string; count: number }>([
      { $match: { dataset_id: datasetId, status: 'failed', job_id: jobId, part: 0 } },
      { $group: { _id: '$error.code', count: { $sum: 1 } } },
      { $sort: { count: -1 } },
    ])
    .toArray();
  return Object.fromEntries(rows.map(({ _id, count }) => [_id, count]));
}

/** Files and their samples: what indexing compares and writes. */

/** A stored file, known by its first sample. */
export type StoredFile = Pick<SampleDocument, 'seq' | 'filepath' | 'status'> & { source: { fingerprint: string } };

/**
 * The stored files with after < path <= upto, in path order. One range query on the path index: it seeks from the first
 * sample of one file to that of the next, however many samples a file has.
 */
export async function filesBetween(
  store: Store,
  { datasetId, after, upto, limit }: { datasetId: string; after: string; upto: string; limit: number },
): Promise<StoredFile[]> {
  return collectionsOf(store)
    .samples.find(
      { dataset_id: datasetId, filepath: { $gt: after, $lte: upto }, part: 0 },
      {
        projection: { _id: 0, seq: 1, filepath: 1, status: 1, 'source.fingerprint': 1 },
        hint: SAMPLE_INDEXES.path,
        batchSize: 10_000,
      },
    )
    .sort({ filepath: 1 })
    .limit(limit)
    .toArray();
}

/** The fields of a stored sample that matching with its file's items needs. */
export type StoredItem = Pick<SampleDocument, '_id' | 'seq' | 'filepath' | 'part' | 'content' | 'status'>;

/** The samples of some files by path, each in the order of its parts. */
export async function itemsOf(
  store: Store,
  datasetId: string,
  filepaths: readonly string[],
): Promise<Map<string, StoredItem[]>> {
  const items = new Map<string, StoredItem[]>();
  if (filepaths.length === 0) return items;
  const found = collectionsOf(store)
    .samples.find(
      { dataset_id: datasetId, filepath: { $in: [...filepaths] } },
      {
        projection: { seq: 1, filepath: 1, part: 1, content: 1, status: 1 },
        hint: SAMPLE_INDEXES.path,
        batchSize: 10_000,
      },
    )
    .sort({ filepath: 1, part: 1 });
  for await (const item of found) {
    const ofFile = items.get(item.filepath);
    if (ofFile === undefined) items.set(item.filepath, [item]);
    else ofFile.push(item);
  }
  return items;
}

/** The numbers among these that samples use. */
export async function seqsInUse(
  store: Store,
  datasetId: string,
  ranges: readonly { base: number; count: number }[],
): Promise<Set<number>> {
  if (ranges.length === 0) return new Set();
  const any = ranges.map(({ base, count }) => ({ seq: { $gte: base, $lt: base + count } }));
  const found = collectionsOf(store).samples.find(
    { dataset_id: datasetId, $or: any },
    { projection: { _id: 0, seq: 1 }, batchSize: 10_000 },
  );
  const used = new Set<number>();
  for await (const { seq } of found) used.add(seq);
  return used;
}

/** The changes to a stored sample after its file was read again. Tags and split belong to users and stay. */
export type SampleUpdate = { _id: ObjectId } & Pick<
  SampleDocument,
  'source' | 'status' | 'job_id' | 'last_modified_at' | 'part'
> &
  Pick<Partial<SampleDocument>, 'content' | 'metadata' | 'words' | 'error'>;

/**
 * Inserts new samples and updates stored ones. An insert whose file and part are already stored updates that sample.
 * Returns the IDs of the inserted samples.
 *
 * @throws Error when a number or a sample was taken meanwhile. The next attempt reads the new state.
 */
export async function writeSamples(
  store: Store,
  inserts: SampleDocument[],
  updates: readonly SampleUpdate[],
): Promise<ObjectId[]> {
  const isFirst = ({ part }: { part: number }) => part === 0;
  const isLater = ({ part }: { part: number }) => part > 0;
  // A listing compares a file by its sample of part 0, so that one is written last: a crash must not make a file that is
  // half written look unchanged.
  const later = await writeOnce(store, inserts.filter(isLater), updates.filter(isLater));
  return [...later, ...(await writeOnce(store, inserts.filter(isFirst), updates.filter(isFirst)))];
}

async function writeOnce(
  store: Store,
  inserts: SampleDocument[],
  updates: readonly SampleUpdate[],
): Promise<ObjectId[]> {
  const { samples } = collectionsOf(store);
  const repeated = await insertNew(samples, inserts);
  const operations = [...updates.map((update) => updateOf({ _id: update._id }, update)), ...repeated.map(repeatOf)];
  const isRepeated = new Set(repeated);
  const inserted = inserts.filter((sample) => !isRepeated.has(sample)).map(({ _id }) => _id);
  if (operations.length === 0) return inserted;
  const { matchedCount } = await samples.bulkWrite(operations, { ordered: false });
  if (matchedCount === operations.length) return inserted;
  throw new Error(
    `${operations.length - matchedCount} samples could not be written: ` +
      'their numbers are taken, or they were removed. The next attempt reads them again.',
  );
}

const repeatOf = ({ _id, ...sample }: SampleDocument): AnyBulkWriteOperation<SampleDocument> =>
  updateOf({ dataset_id: sample.dataset_id, filepath: sample.filepath, part: sample.part }, sample);

function updateOf(
  filter: Filter<SampleDocument>,
  { source, status, job_id, last_modified_at, part, content, metadata, words, error }: Omit<SampleUpdate, '_id'>,
): AnyBulkWriteOperation<SampleDocument> {
  return {
    updateOne: {
      filter,
      update: {
        $set: {
          source,
          status,
          job_id,
          last_modified_at,
          part,
          ...(content === undefined ? {} : { content }),
          ...(metadata === undefined ? {} : { metadata }),
          ...(words === undefined ? {} : { words }),
          ...(error === undefined ? {} : { error }),
        },
        ...(words === undefined ? {} : { $currentDate: { words_written: { $type: 'timestamp' as const } } }),
        // A file that can't be read now keeps its content hash: its content may be unchanged later.
        $unset: {
          ...(metadata === undefined ? { metadata: true } : {}),
          ...(error === undefined ? { error: true } : {}),
        },
      },
    },
  };
}

/**
 * Rewrites the samples of one file whose parts change, all or none. Two samples of a file never share a part, so the
 * changing ones first take temporary parts. Returns the IDs of the inserted samples.
 */
export async function regroupSamples(
  store: Store,
  inserts: SampleDocument[],
  updates: readonly SampleUpdate[],
): Promise<ObjectId[]> {
  const { samples } = collectionsOf(store);
  if (inserts.length + updates.length > MOST_TOGETHER) return regroupInSteps(store, inserts, updates);
  await inTransaction(store, async (session) => {
    await samples.updateMany(
      { _id: { $in: updates.map(({ _id }) => _id) } },
      [{ $set: { part: { $subtract: [-1, '$seq'] } } }],
      { session },
    );
    const operations = updates.map((update) => updateOf({ _id: update._id }, update));
    await samples.bulkWrite(operations, { session });
    if (inserts.length > 0) await samples.insertMany(inserts, { session });
  });
  return inserts.map(({ _id }) => _id);
}

/** Samples that are rewritten in one transaction. Servers end one that takes longer than ten seconds. */
const MOST_TOGETHER = 2000;

/**
 * The same for a file of many samples, in steps. A crash leaves temporary parts, and the file without a first one, so it
 * is read again; its samples are then matched by their content.
 */
async function regroupInSteps(
  store: Store,
  inserts: SampleDocument[],
  updates: readonly SampleUpdate[],
): Promise<ObjectId[]> {
  for (const slice of slicesOf(updates, MOST_TOGETHER))
    await collectionsOf(store).samples.updateMany({ _id: { $in: slice.map(({ _id }) => _id) } }, [
      { $set: { part: { $subtract: [-1, '$seq'] } } },
    ]);
  return writeSamples(store, inserts, updates);
}

/** Marks all samples of some files as missing. Each file is identified by the seq of one of its samples. */
export async function markFilesMissing(
  store: Store,
  { datasetId, seqs, jobId }: { datasetId: string; seqs: readonly number[]; jobId: string },
): Promise<void> {
  const { samples } = collectionsOf(store);
  const filepaths = await samples.distinct('filepath', { dataset_id: datasetId, seq: { $in: [...seqs] } });
  await samples.updateMany(
    { dataset_id: datasetId, filepath: { $in: filepaths }, status: { $ne: 'missing' } },
    { $set: { status: 'missing', job_id: jobId, last_modified_at: new Date() } },
  );
}

/** The fields of a failed sample that a retry needs. */
export type FailedSample = Pick<SampleDocument, 'seq' | 'filepath' | 'filepath_bytes' | 'status' | 'source'>;

/** Samples that could not be read or embedded, after a seq. */
export async function failedSamples(
  store: Store,
  { datasetId, after, limit }: { datasetId: string; after: number; limit: number },
): Promise<FailedSample[]> {
  return collectionsOf(store)
    .samples.find(
      {
        dataset_id: datasetId,
        seq: { $gt: after },
        error: { $exists: true },
        // A file that can't be read has failed with all its samples; its first one stands for it.
        $or: [
          { status: 'failed', part: 0 },
          { status: 'indexed', 'error.stage': 'embedding' },
        ],
      },
      { projection: { _id: 0, seq: 1, filepath: 1, filepath_bytes: 1, status: 1, 'source.fingerprint': 1 } },
    )
    .hint(SAMPLE_INDEXES.error)
    .sort({ seq: 1 })
    .limit(limit)
    .toArray();
}

/** Reading for the embedding phase. */

/** The fields of a sample that the embedding phase needs. */
export type SampleToEmbed = Pick<
  SampleDocument,
  '_id' | 'seq' | 'filepath' | 'filepath_bytes' | 'part' | 'content' | 'error' | 'job_id' | 'metadata'
> & { source: Pick<SampleDocument['source'], 'fingerprint' | 'reread_by'> };

/**
 * Indexed samples with from <= seq < to, in seq order. The caller closes the cursor.
 *
 * @param field the only field of the metadata to read; without it, none is read
 */
export function samplesToEmbed(
  store: Store,
  { datasetId, from, to, field }: { datasetId: string; from: number; to: number; field?: string | undefined },
): FindCursor<SampleToEmbed> {
  return collectionsOf(store)
    .samples.find({ dataset_id: datasetId, status: 'indexed', seq: { $gte: from, $lt: to } })
    .project<SampleToEmbed>({
      seq: 1,
      filepath: 1,
      filepath_bytes: 1,
      part: 1,
      content: 1,
      'source.fingerprint': 1,
      'source.reread_by': 1,
      'error.stage': 1,
      job_id: 1,
      ...(field === undefined ? {} : { [`metadata.${field}`]: 1 }),
    })
    .sort({ seq: 1 })
    .batchSize(5000);
}

/** The numbers of all indexed samples in order, from the index alone. */
export async function* indexedSeqs(store: Store, datasetId: string): AsyncGenerator<number> {
  const cursor = collectionsOf(store)
    .samples.find({ dataset_id: datasetId, status: 'indexed' }, { projection: { _id: 0, seq: 1 }, batchSize: 20_000 })
    .sort({ seq: 1 });
  for await (const { seq } of cursor) yield seq;
}

/** Metadata and content hashes of some samples by ID, for media whose items are encoded from their metadata. */
export async function metadataOf(
  store: Store,
  ids: readonly ObjectId[],
  fields: readonly string[],
): Promise<Map<string, Pick<SampleDocument, 'metadata' | 'content'>>> {
  const found = collectionsOf(store)
    .samples.find({ _id: { $in: [...ids] } })
    .project<Pick<SampleDocument, '_id' | 'metadata' | 'content'>>({
      content: 1,
      ...Object.fromEntries(fields.map((field) => [`metadata.${field}`, 1])),
    });
  const byId = new Map<string, Pick<SampleDocument, 'metadata' | 'content'>>();
  for await (const sample of found) byId.set(sample._id.toHexString(), sample);
  return byId;
}

/** Records which samples could not be embedded, and which ones succeeded after an earlier failure. */
export async function writeEmbeddingErrors(
  store: Store,
  failed: readonly { _id: ObjectId; error: RecordedError }[],
  mended: readonly ObjectId[],
): Promise<void> {
  const now = new Date();
  const operations: AnyBulkWriteOperation<SampleDocument>[] = [
    ...failed.map(({ _id, error: { code, message } }) => ({
      updateOne: {
        filter: { _id },
        update: {
          $set: { error: { code, message, stage: 'embedding' as const, at: now }, last_modified_at: now },
        },
      },
    })),
    ...mended.map((_id) => ({
      updateOne: { filter: { _id }, update: { $unset: { error: true as const }, $set: { last_modified_at: now } } },
    })),
  ];
  if (operations.length > 0) await collectionsOf(store).samples.bulkWrite(operations, { ordered: false });
}

/** Whether the samples of all these IDs exist, which the index alone tells. */
export async function areThere(store: Store, ids: readonly ObjectId[]): Promise<boolean> {
  return (await collectionsOf(store).samples.countDocuments({ _id: { $in: [...ids] } })) === ids.length;
}

/** The IDs among these whose samples exist. */
export async function existingSamples(store: Store, ids: readonly ObjectId[]): Promise<Set<string>> {
  const found = await collectionsOf(store)
    .samples.find({ _id: { $in: [...ids] } }, { projection: { _id: 1 } })
    .toArray();
  return new Set(found.map(({ _id }) => _id.toHexString()));
}

/** Removing. */

/** The fields of a missing sample that a prune needs. */
export type MissingSample = Pick<SampleDocument, '_id' | 'seq' | 'filepath' | 'filepath_bytes' | 'part'>;

/** Samples marked missing, in batches, by seq. */
export async function* missingSamples(
  store: Store,
  datasetId: string,
  batchSize: number,
): AsyncGenerator<MissingSample[]> {
  for (let after = -1; ; ) {
    const batch = await collectionsOf(store)
      .samples.find(
        { dataset_id: datasetId, status: 'missing', seq: { $gt: after } },
        { projection: { seq: 1, filepath: 1, filepath_bytes: 1, part: 1 } },
      )
      .sort({ seq: 1 })
      .limit(batchSize)
      .toArray();
    const last = batch.at(-1);
    if (last === undefined) return;
    yield batch;
    after = last.seq;
  }
}

/** The numbers of samples that are missing or can't be read, in batches, by status and number. */
export async function* seqsNotIndexed(store: Store, datasetId: string, batchSize: number): AsyncGenerator<number[]> {
  for (const status of ['missing', 'failed'] as const) {
    const found = collectionsOf(store)
      .samples.find({ dataset_id: datasetId, status }, { projection: { _id: 0, seq: 1 }, batchSize })
      .sort({ seq: 1 });
    let batch: number[] = [];
    for await (const { seq } of found) {
      batch.push(seq);
      if (batch.length < batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }
}

/** The paths among these whose files are not missing, as their first sample shows. */
export async function filesNotMissing(
  store: Store,
  datasetId: string,
  filepaths: readonly string[],
): Promise<Set<string>> {
  const there = new Set<string>();
  for (const slice of slicesOf(filepaths, PATHS_A_QUERY)) {
    const found = collectionsOf(store).samples.find(
      { dataset_id: datasetId, filepath: { $in: slice }, part: 0, status: { $ne: 'missing' } },
      { projection: { _id: 0, filepath: 1 }, hint: SAMPLE_INDEXES.path },
    );
    for await (const { filepath } of found) there.add(filepath);
  }
  return there;
}

/** Removes samples. Returns how many it removed. */
export async function removeSamples(store: Store, ids: readonly ObjectId[], session?: ClientSession): Promise<number> {
  const options = session === undefined ? {} : { session };
  return (await collectionsOf(store).samples.deleteMany({ _id: { $in: [...ids] } }, options)).deletedCount;
}

/** Removes the samples with the next `count` used numbers. Returns how many it removed; undefined if none were left. */
export async function removeNextSamples(
  store: Store,
  datasetId: string,
  count: number,
  session: ClientSession,
): Promise<number | undefined> {
  const { samples } = collectionsOf(store);
  const own = { dataset_id: datasetId };
  const first = await samples.findOne(own, { projection: { seq: 1 }, sort: { seq: 1 }, session });
  if (first === null) return undefined;
  const range = { $gte: first.seq, $lt: first.seq + count };
  return (await samples.deleteMany({ ...own, seq: range }, { session })).deletedCount;
}
