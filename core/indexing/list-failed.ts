import { stat } from 'node:fs/promises';
import { Long, MongoServerError } from 'mongodb';
import { systemErrorCode } from '../errors.ts';
import { canBeRead, sourcesOf } from '../jobs/sources-there.ts';
import { openRootCheck, type RootCheck, type SourceRoots } from '../sources/folder/source-roots.ts';
import { UNKNOWN_FINGERPRINT } from '../sources/folder/walk.ts';
import { createPresence } from '../sources/presence.ts';
import type { PageDocument, PageEntry, SampleDocument } from '../store/documents.ts';
import { MOST_NAMED, namedPaths, progressId } from '../store/progress.ts';
import { DUPLICATE_KEY, type Store } from '../store/store.ts';
import { type ListResult, pageLimit, SLICE_MS } from './list-source.ts';

export interface ListFailedRequest {
  jobId: string;
  datasetId: string;
  /** The page to write next, from 0. */
  page: number;
  /** Folders that what is read must be below; any if left out. */
  roots?: SourceRoots;
  /** Called after each page that is stored. */
  onStep: () => void;
  signal: AbortSignal;
}

type FailedSample = Pick<SampleDocument, 'seq' | 'filepath' | 'filepath_bytes' | 'status' | 'source'>;

/** Stats under way at once; enough to hide the latency of a network disk. */
const STAT_BATCH = 256;

/**
 * Lists the samples of a dataset whose files could not be read, and those that could not be embedded and whose files have
 * changed since, as pages that are indexed as those of a source are. Each call writes pages until its time is up; what it wrote
 * is the cursor for the next. The samples of a source that is not there, as when a disk is not mounted, stay as they are and are
 * no part of the work, nor are those that lie outside the source roots; one whose file alone is gone fails again.
 */
export async function listFailed(store: Store, request: ListFailedRequest): Promise<ListResult> {
  const { jobId, datasetId } = request;
  const pages: number[] = [];
  const startedAt = performance.now();
  const sources = await sourcesOf(store, datasetId);
  const allows = request.roots && (await openRootCheck(request.roots));

  // An earlier attempt may have written pages that it never got to report.
  const written = await store.pages
    .find({ job_id: jobId, n: { $gte: request.page - 1 } })
    .sort({ n: 1 })
    .toArray();
  let total = 0;
  const report = ({ n, entries }: PageDocument) => {
    if (entries.length > 0) pages.push(n);
    total += entries.length;
  };
  for (const page of written) if (page.n >= request.page) report(page);
  let last = written.at(-1);
  while (last?.last !== true) {
    request.signal.throwIfAborted();
    last = await writePage(store, request, {
      sources,
      allows,
      n: (last?.n ?? -1) + 1,
      after: Number(last?.upto ?? -1),
    });
    report(last);
    request.onStep();
    if (last.n === 0 || performance.now() - startedAt > SLICE_MS) break;
  }
  return { next: last.last ? null : last.n + 1, pages, total, unchanged: 0 };
}

/** A dataset's sources, and what of the places that its files lie in may be read. */
interface Where {
  sources: readonly string[];
  allows: RootCheck | undefined;
}

async function writePage(
  store: Store,
  { jobId, datasetId }: ListFailedRequest,
  { sources, allows, n, after }: Where & { n: number; after: number },
): Promise<PageDocument> {
  const limit = pageLimit(n);
  const samples = await store.samples
    .find(
      {
        dataset_id: datasetId,
        seq: { $gt: after },
        error: { $exists: true },
        $or: [{ status: 'failed' }, { status: 'indexed', 'error.stage': 'embedding' }],
      },
      { projection: { _id: 0, seq: 1, filepath: 1, filepath_bytes: 1, status: 1, 'source.fingerprint': 1 } },
    )
    .hint('errors')
    .sort({ seq: 1 })
    .limit(limit)
    .toArray();
  const { entries, absent, outside } = await examine(samples, { sources, allows });
  const noted = new Set(await namedPaths(store, jobId, 'unreadable_folders'));
  const folders = absent.filter((source) => !noted.has(source));
  const page: PageDocument = {
    _id: `${jobId}/${n}`,
    job_id: jobId,
    n,
    upto: String(samples.at(-1)?.seq ?? after),
    last: samples.length < limit,
    entries,
    gone: [],
  };
  try {
    await store.client.withSession((session) =>
      session.withTransaction(async () => {
        await store.pages.insertOne(page, { session });
        await store.progress.insertOne(
          {
            _id: progressId(jobId, 'indexing', n),
            job_id: jobId,
            phase: 'indexing',
            done: 0,
            failed: 0,
            total: entries.length,
            outcomes: { unreadable_folders: folders.length, outside_links: outside.length },
            ...(folders.length > 0 ? { unreadable_folders: folders } : {}),
            ...(outside.length > 0 ? { outside_links: outside.slice(0, MOST_NAMED) } : {}),
          },
          { session },
        );
      }),
    );
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) {
      throw new Error(`Page ${n} was written by another attempt of this listing; the next attempt goes on behind it.`);
    }
    throw error;
  }
  if (page.last) await store.jobs.updateOne({ _id: jobId }, { $set: { 'phases.indexing.total_known': true } });
  return page;
}

interface Examined {
  entries: PageEntry[];
  /** Sources that are not there: what is known of their files is kept. */
  absent: string[];
  /** Files that lie outside the source roots. */
  outside: string[];
}

async function examine(all: readonly FailedSample[], { sources, allows }: Where): Promise<Examined> {
  const entries: PageEntry[] = [];
  const { samples, outside } = await divide(all, allows);
  const presence = createPresence(sources, canBeRead);
  for (let at = 0; at < samples.length; at += STAT_BATCH) {
    const batch = samples.slice(at, at + STAT_BATCH);
    const found = await Promise.all(batch.map(entryOf));
    for (const [i, entry] of found.entries()) {
      if (!isToRead(batch[i] as FailedSample, entry)) continue;
      if (entry.fingerprint !== UNKNOWN_FINGERPRINT || (await presence.has(entry.path))) entries.push(entry);
    }
  }
  return { entries, outside, absent: presence.absent() };
}

async function divide(all: readonly FailedSample[], allows: RootCheck | undefined) {
  if (allows === undefined) return { samples: all, outside: [] };
  const samples: FailedSample[] = [];
  const outside: string[] = [];
  for (const sample of all) {
    if (await allows(Buffer.from(pathOf(sample)))) samples.push(sample);
    else outside.push(sample.filepath);
  }
  return { samples, outside };
}

const pathOf = ({ filepath, filepath_bytes }: FailedSample): string | Buffer =>
  filepath_bytes === undefined ? filepath : Buffer.from(filepath_bytes.buffer);

/** A file that could be read and not embedded is read again only where it is another now: the embedding tries it anyway. */
const isToRead = ({ status, source }: FailedSample, { fingerprint }: PageEntry): boolean =>
  status === 'failed' || (fingerprint !== UNKNOWN_FINGERPRINT && fingerprint !== source.fingerprint);

/** The file as it is now. What is wrong with one that can't be examined is found when it is read. */
async function entryOf(sample: FailedSample): Promise<PageEntry> {
  const { seq, filepath, filepath_bytes } = sample;
  const name = { path: filepath, ...(filepath_bytes === undefined ? {} : { bytes: filepath_bytes }) };
  try {
    const { size, mtimeNs } = await stat(pathOf(sample), { bigint: true });
    const fingerprint = `${size}-${mtimeNs}`;
    return { ...name, size: Number(size), mtime_ns: Long.fromBigInt(mtimeNs), fingerprint, seq, new: false };
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return { ...name, size: 0, mtime_ns: Long.ZERO, fingerprint: UNKNOWN_FINGERPRINT, seq, new: false };
  }
}
