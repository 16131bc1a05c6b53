import { type AnyBulkWriteOperation, ObjectId } from 'mongodb';
import { UserError } from '../errors.ts';
import type { MediaKind, MetadataOutcome } from '../media/medium.ts';
import { UNKNOWN_FINGERPRINT } from '../sources/folder/walk.ts';
import type { PageEntry, SampleDocument } from '../store/documents.ts';
import { raiseProgress } from '../store/progress.ts';
import { insertNew, type Store } from '../store/store.ts';

export interface IndexPageRequest {
  jobId: string;
  datasetId: string;
  page: number;
  /** How far an attempt before this one came, if one did. */
  resume?: IndexPageCursor | undefined;
  /** Called after each database write, with where to resume from. */
  onWrite: (cursor: IndexPageCursor) => void;
  /** Called as files are read. */
  onRead: () => void;
  signal: AbortSignal;
}

export interface IndexPageResult {
  added: number;
  changed: number;
  failed: number;
}

/** Batches of a page that are written, and what came of them. */
export interface IndexPageCursor extends IndexPageResult {
  batches: number;
}

/** Samples read and written at a time: the size of a bulk write, and of what a crash repeats. */
const BATCH = 1000;

/**
 * Reads the files of a page and writes their samples. Doing it twice gives the same samples: each keeps the seq that its
 * page gave it.
 */
export async function indexPage(store: Store, media: MediaKind, request: IndexPageRequest): Promise<IndexPageResult> {
  const { jobId, page } = request;
  const stored = await store.pages.findOne({ _id: `${jobId}/${page}` });
  if (stored === null) {
    throw new UserError(
      'PageGone',
      `Page ${page} of load ${jobId} is no longer stored: the load had ended. It can't be taken up in its middle; load the folder again.`,
    );
  }
  const count = await store.progress.findOne({ _id: `${jobId}/indexing/${page}` }, { projection: { total: 1 } });
  const unchanged = (count?.total ?? stored.entries.length) - stored.entries.length;

  const { batches: written = 0, ...before } = request.resume ?? {};
  const result: IndexPageResult = { added: 0, changed: 0, failed: 0, ...before };
  // Reading the next batch's files overlaps with writing this one's samples.
  const batches = batchesOf(stored.entries);
  const read = (batch: PageEntry[] = []) => readMetadata(media, batch, request.onRead);
  let reading = read(batches[written]);
  for (const [i, batch] of batches.entries()) {
    if (i < written) continue;
    request.signal.throwIfAborted();
    const outcomes = await reading;
    reading = read(batches[i + 1]);
    const inserted = await writeSamples(store, request, batch, outcomes);
    for (const [j, entry] of batch.entries()) {
      if ('error' in (outcomes[j] as MetadataOutcome)) result.failed += 1;
      else if (entry.new) result.added += 1;
      else result.changed += 1;
    }
    const isNoted = await raiseProgress(
      store,
      { jobId, phase: 'indexing', chunk: page },
      { done: unchanged + result.added + result.changed, failed: result.failed, outcomes: { ...result } },
    );
    if (!isNoted) await takeBack(store, request, inserted);
    request.onWrite({ batches: i + 1, ...result });
  }
  await reading;
  return result;
}

function batchesOf(entries: PageEntry[]): PageEntry[][] {
  const batches: PageEntry[][] = [];
  for (let at = 0; at < entries.length; at += BATCH) batches.push(entries.slice(at, at + BATCH));
  return batches;
}

function readMetadata(media: MediaKind, batch: PageEntry[], onRead: () => void): Promise<MetadataOutcome[]> {
  if (batch.length === 0) return Promise.resolve([]);
  const files = batch.map((entry) => ({
    path: entry.bytes ? Buffer.from(entry.bytes.buffer) : entry.path,
    sizeBytes: sizeOf(entry),
  }));
  return media.readMetadata(files, onRead);
}

/** Of a file that could not be examined the size is not known to be 0: opening it will say what is wrong. */
const sizeOf = ({ fingerprint, size }: PageEntry) => (fingerprint === UNKNOWN_FINGERPRINT ? Infinity : size);

/** Returns the IDs of those that were not there before. */
async function writeSamples(
  store: Store,
  { jobId, datasetId }: IndexPageRequest,
  batch: PageEntry[],
  outcomes: MetadataOutcome[],
): Promise<ObjectId[]> {
  const now = new Date();
  const inserts: SampleDocument[] = [];
  const updates: AnyBulkWriteOperation<SampleDocument>[] = [];
  for (const [i, entry] of batch.entries()) {
    const sample = sampleOf(entry, outcomes[i] as MetadataOutcome, { jobId, datasetId, now });
    if (entry.new) inserts.push(sample);
    else updates.push(updateOf(sample));
  }
  const repeated = await insertNew(store.samples, inserts);
  const operations = [...updates, ...repeated.map(updateOf)];
  const isRepeated = new Set(repeated);
  const inserted = inserts.filter((sample) => !isRepeated.has(sample)).map(({ _id }) => _id);
  if (operations.length === 0) return inserted;
  const { matchedCount } = await store.samples.bulkWrite(operations, { ordered: false });
  if (matchedCount < operations.length) {
    throw new UserError(
      'SampleConflict',
      `${operations.length - matchedCount} samples of ${datasetId} could not be written: their numbers are taken by other files, or they were removed meanwhile. Load the folder again.`,
    );
  }
  return inserted;
}

/**
 * The count of a page goes with the end of its load, and before the samples of a dataset that is deleted: so whoever writes
 * behind that finds it gone, and what was written before is there to be deleted. A transaction would do without this, but one
 * of a worker that was killed holds what it wrote for a minute or more.
 *
 * @throws UserError Superseded
 */
async function takeBack(store: Store, { jobId, datasetId }: IndexPageRequest, inserted: ObjectId[]): Promise<never> {
  await store.samples.deleteMany({ _id: { $in: inserted } });
  throw new UserError('Superseded', `Load ${jobId} of ${datasetId} has ended; nothing more is written for it.`);
}

function sampleOf(
  entry: PageEntry,
  outcome: MetadataOutcome,
  { jobId, datasetId, now }: { jobId: string; datasetId: string; now: Date },
): SampleDocument {
  return {
    _id: new ObjectId(),
    dataset_id: datasetId,
    seq: entry.seq,
    filepath: entry.path,
    ...(entry.bytes === undefined ? {} : { filepath_bytes: entry.bytes }),
    source: { size_bytes: entry.size, mtime_ns: entry.mtime_ns, fingerprint: entry.fingerprint },
    ...('metadata' in outcome ? { metadata: outcome.metadata } : {}),
    tags: [],
    status: 'metadata' in outcome ? 'indexed' : 'failed',
    ...('error' in outcome ? { error: { ...outcome.error, stage: 'indexing', at: now } } : {}),
    job_id: jobId,
    created_at: now,
    last_modified_at: now,
  };
}

/** What people added to a sample (tags, split) stays; what was read from its file is replaced. */
function updateOf(sample: SampleDocument): AnyBulkWriteOperation<SampleDocument> {
  const { source, metadata, status, error, job_id, last_modified_at } = sample;
  return {
    updateOne: {
      filter: { dataset_id: sample.dataset_id, filepath: sample.filepath },
      update: {
        $set: {
          source,
          status,
          job_id,
          last_modified_at,
          ...(metadata ? { metadata } : {}),
          ...(error ? { error } : {}),
        },
        $unset: { ...(metadata ? {} : { metadata: true }), ...(error ? {} : { error: true }) },
      },
    },
  };
}
