import { type AnyBulkWriteOperation, MongoServerError, ObjectId } from 'mongodb';
import { UserError } from '../errors.ts';
import type { MediaKind, MetadataOutcome } from '../media.ts';
import { UNKNOWN_FINGERPRINT } from '../sources/walk.ts';
import type { PageEntry, SampleDocument } from '../store/documents.ts';
import { raiseProgress } from '../store/progress.ts';
import { DUPLICATE_KEY, type Store } from '../store/store.ts';

export interface IndexPageRequest {
  loadId: string;
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

/** A transaction has its client's options, which may be the caller's own. */
const DURABLE = { writeConcern: { w: 'majority' } } as const;

/** Samples read and written at a time: the size of a bulk write, and of what a crash repeats. */
const BATCH = 1000;

/**
 * Reads the files of a page and writes their samples. Doing it twice gives the same samples: each keeps the seq that its
 * page gave it.
 */
export async function indexPage(store: Store, media: MediaKind, request: IndexPageRequest): Promise<IndexPageResult> {
  const { loadId, page } = request;
  const stored = await store.pages.findOne({ _id: `${loadId}/${page}` });
  if (stored === null) {
    throw new UserError(
      'PageGone',
      `Page ${page} of load ${loadId} is no longer stored: the load had ended. It can't be taken up in its middle; load the folder again.`,
    );
  }
  const count = await store.progress.findOne({ _id: `${loadId}/indexing/${page}` }, { projection: { total: 1 } });
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
    for (const [j, entry] of batch.entries()) {
      if ('error' in (outcomes[j] as MetadataOutcome)) result.failed += 1;
      else if (entry.new) result.added += 1;
      else result.changed += 1;
    }
    const { added, changed, failed } = result;
    await writeBatch(store, request, {
      samples: batch.map((entry, j) => sampleOf(entry, outcomes[j] as MetadataOutcome, request)),
      isNew: batch.map((entry) => entry.new),
      count: { done: unchanged + added + changed, failed, outcomes: { ...result } },
    });
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

interface Batch {
  samples: SampleDocument[];
  /** Of each sample, whether the dataset had it when the page was listed. */
  isNew: boolean[];
  /** How far the page has come with it. */
  count: Parameters<typeof raiseProgress>[2];
}

/**
 * Writes samples and how far the page has come in one transaction. The count's document goes with the end of the load, and
 * before anything else of a dataset that is deleted: so nothing is written for a load that is over, and what was written before
 * is there to be deleted.
 *
 * @throws UserError Superseded, SampleConflict
 */
async function writeBatch(store: Store, request: IndexPageRequest, batch: Batch): Promise<void> {
  let added = new Set(batch.samples.filter((_, i) => batch.isNew[i]));
  for (let tries = 0; ; tries++) {
    try {
      return await writeSamples(store, request, batch, added);
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY || tries > 2) throw error;
      // Another attempt wrote some of them and did not live to tell, or is still at it.
      added = await absentOf(store, request, added);
    }
  }
}

/** Those that are not stored. */
async function absentOf(
  store: Store,
  { datasetId }: IndexPageRequest,
  samples: ReadonlySet<SampleDocument>,
): Promise<Set<SampleDocument>> {
  const stored = await store.samples
    .find(
      { dataset_id: datasetId, seq: { $in: [...samples].map(({ seq }) => seq) } },
      { projection: { _id: 0, seq: 1, filepath: 1 } },
    )
    .toArray();
  const pathOf = new Map(stored.map(({ seq, filepath }) => [seq, filepath]));
  const others = [...samples].filter(({ seq, filepath }) => (pathOf.get(seq) ?? filepath) !== filepath);
  if (others.length > 0) throw conflict(datasetId, others.length, 'their numbers are taken by other files');
  return new Set([...samples].filter(({ seq }) => !pathOf.has(seq)));
}

const conflict = (datasetId: string, count: number, reason: string) =>
  new UserError(
    'SampleConflict',
    `${count} samples of ${datasetId} could not be written: ${reason}. Load the folder again.`,
  );

async function writeSamples(
  store: Store,
  { loadId, datasetId, page }: IndexPageRequest,
  { samples, count }: Batch,
  added: ReadonlySet<SampleDocument>,
): Promise<void> {
  const updates = samples.filter((sample) => !added.has(sample)).map(updateOf);
  await store.client.withSession((session) =>
    session.withTransaction(async () => {
      if (!(await raiseProgress(store, { loadId, phase: 'indexing', chunk: page }, count, session))) {
        throw new UserError('Superseded', `Load ${loadId} of ${datasetId} has ended; nothing more is written for it.`);
      }
      if (added.size > 0) await store.samples.insertMany([...added], { ordered: false, session });
      if (updates.length === 0) return;
      const { matchedCount } = await store.samples.bulkWrite(updates, { ordered: false, session });
      const lost = updates.length - matchedCount;
      if (lost > 0) throw conflict(datasetId, lost, 'they were removed meanwhile');
    }, DURABLE),
  );
}

function sampleOf(entry: PageEntry, outcome: MetadataOutcome, { loadId, datasetId }: IndexPageRequest): SampleDocument {
  const now = new Date();
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
    load_id: loadId,
    created_at: now,
    last_modified_at: now,
  };
}

/** What people added to a sample (tags, split) stays; what was read from its file is replaced. */
function updateOf(sample: SampleDocument): AnyBulkWriteOperation<SampleDocument> {
  const { source, metadata, status, error, load_id, last_modified_at } = sample;
  return {
    updateOne: {
      filter: { dataset_id: sample.dataset_id, filepath: sample.filepath },
      update: {
        $set: {
          source,
          status,
          load_id,
          last_modified_at,
          ...(metadata ? { metadata } : {}),
          ...(error ? { error } : {}),
        },
        $unset: { ...(metadata ? {} : { metadata: true }), ...(error ? {} : { error: true }) },
      },
    },
  };
}
