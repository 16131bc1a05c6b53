import { Binary, type ClientSession, Long, MongoServerError } from 'mongodb';
import { UserError } from '../errors.ts';
import { deviceOf } from '../jobs/begin.ts';
import { comparePaths } from '../sources/file-names.ts';
import { openRootCheck, type RootCheck, requireBelowRoots, type SourceRoots } from '../sources/folder/source-roots.ts';
import { emptyStep, type SourceFile, type WalkStep, walk } from '../sources/folder/walk.ts';
import type { PageDocument, PageEntry } from '../store/documents.ts';
import { MOST_NAMED, progressId } from '../store/progress.ts';
import { DUPLICATE_KEY, type Store } from '../store/store.ts';
import { type Difference, diffStretch, type StoredSample } from './diff.ts';

export interface ListRequest {
  jobId: string;
  datasetId: string;
  /** Absolute path of the folder, without a trailing slash. */
  root: string;
  /** The page to write next, from 0. */
  page: number;
  accepts: (name: string) => boolean;
  /** Folders that what is read must be below; any if left out. */
  roots?: SourceRoots;
  /** Called as the walk gets on, and after each page that is stored. */
  onStep: () => void;
  signal: AbortSignal;
}

export interface ListResult {
  /** The page to go on with, or null when the listing is complete. */
  next: number | null;
  /** The pages written that hold work. */
  pages: number[];
  /** Files in all pages that this call covers, and how many of them need no work. */
  total: number;
  unchanged: number;
}

/** Grows from a first page small enough to show something at once to one that keeps round trips few. */
export const pageLimit = (page: number) => Math.min(256 * 2 ** page, 4096);

/** A page's document stays far below MongoDB's 16 MB, however long the paths are. */
const PAGE_BYTES = 4 << 20;

/** After this long a call returns, so that indexing overlaps with listing. */
export const SLICE_MS = 700;

/** Stored samples compared at a time: of a folder that was removed there may be millions, and no file between them. */
const STORED_LIMIT = 20_000;

/** A walk that nobody goes on with is forgotten after this long. */
const WALK_IDLE_MS = 60_000;

/** Walks that may go on: a warm continuation does not read a folder of a million names again. */
const MAX_WALKS = 8;

interface Walk {
  /** Of the call that is under way: the roots may lead elsewhere by the next. */
  rootCheck: RootCheck | undefined;
  steps: AsyncGenerator<WalkStep>;
  rest: WalkStep;
  /** Folders that can't be read and may lie in the stretch that is next: they say nothing about what is in them. */
  hidden: string[];
  /** The walk is over, and what is in `rest` is all there is left. */
  ended?: boolean;
}

/**
 * Lists a source in slices. Each call writes pages until its time is up; what it wrote is the cursor for the next, which
 * goes on with the same walk where it can and starts a new one behind the last page where it can't.
 */
export function createSourceLister(store: Store): (request: ListRequest) => Promise<ListResult> {
  const walks = new Map<string, Walk>();

  return async function listSource(request) {
    const { jobId } = request;
    const pages: number[] = [];
    const startedAt = performance.now();
    await requireBelowRoots(request.root, request.roots);
    const rootCheck = request.roots && (await openRootCheck(request.roots));
    const finish = async (next: number | null): Promise<ListResult> => ({
      next,
      pages,
      ...(await countPages(store, jobId, request.page)),
    });

    // An earlier attempt may have written pages that it never got to report.
    const written = await store.pages
      .find(
        { job_id: jobId, n: { $gte: request.page - 1 } },
        { projection: { entries: { $slice: 1 }, n: 1, upto: 1, last: 1 } },
      )
      .sort({ n: 1 })
      .toArray();
    for (const page of written) if (page.n >= request.page && page.entries.length > 0) pages.push(page.n);
    const lastWritten = written.at(-1);
    if (lastWritten?.last) return finish(null);

    let page = (lastWritten?.n ?? -1) + 1;
    let after = lastWritten?.upto ?? '';
    const current = walks.get(`${jobId}/${page}`) ?? beginWalk(request, after);
    current.rootCheck = rootCheck;
    walks.delete(`${jobId}/${page}`);

    for (;;) {
      const filled = await fillPage(current, pageLimit(page), request);
      if (filled.last) await requireSameDisk(store, request);
      const wanted = filled.last ? endOf(request.root) : (filled.files.at(-1)?.path ?? after);
      const stored = await storedBetween(store, request, after, wanted);
      const { upto, stretch } = cutStretch(current, filled, wanted, stored);
      const difference = diffStretch(stretch.files, stored);
      difference.gone = outsideOf(current.hidden, difference.gone);
      current.hidden = current.hidden.filter((folder) => comparePaths(endOf(folder), upto) > 0);
      const hasWork = await writePage(store, request, { n: page, upto, stretch, difference });
      if (hasWork) pages.push(page);
      request.onStep();
      if (stretch.last) return finish(null);
      page += 1;
      after = upto;
      if (page === 1 || performance.now() - startedAt > SLICE_MS) break;
    }

    const key = `${jobId}/${page}`;
    walks.set(key, current);
    setTimeout(() => walks.delete(key), WALK_IDLE_MS).unref();
    for (const oldest of walks.keys()) if (walks.size > MAX_WALKS) walks.delete(oldest);
    return finish(page);
  };
}

function beginWalk({ root, accepts, roots }: ListRequest, after: string): Walk {
  const allows = roots && (async (path: Buffer) => (await current.rootCheck?.(path)) ?? false);
  const current: Walk = {
    steps: walk(root, { accepts, allows }, after),
    rest: emptyStep(),
    hidden: [],
    rootCheck: undefined,
  };
  return current;
}

async function countPages(store: Store, jobId: string, from: number): Promise<{ total: number; unchanged: number }> {
  const pages = await store.pages.find({ job_id: jobId, n: { $gte: from } }, { projection: { n: 1 } }).toArray();
  const counts = await store.progress
    .find({ _id: { $in: pages.map((page) => progressId(jobId, 'indexing', page.n)) } })
    .toArray();
  return {
    total: counts.reduce((sum, count) => sum + count.total, 0),
    unchanged: counts.reduce((sum, count) => sum + (count.outcomes?.unchanged ?? 0), 0),
  };
}

interface Stretch extends WalkStep {
  last: boolean;
}

/** Takes steps of the walk until the page is full; what is too much stays for the next page. */
async function fillPage(current: Walk, limit: number, { onStep, signal }: ListRequest): Promise<Stretch> {
  const { files, unreadable, outside } = current.rest;
  let { ignored } = current.rest;
  let bytes = files.reduce((sum, file) => sum + file.path.length, 0);
  let last = current.ended === true;
  while (!last && files.length < limit && bytes < PAGE_BYTES) {
    signal.throwIfAborted();
    const step = await current.steps.next();
    onStep();
    if (step.done) {
      last = true;
      break;
    }
    for (const file of step.value.files) {
      files.push(file);
      bytes += file.path.length;
    }
    ignored += step.value.ignored;
    unreadable.push(...step.value.unreadable);
    outside.push(...step.value.outside);
    current.hidden.push(...step.value.unreadable);
  }
  current.rest = { ...emptyStep(), files: files.splice(limit) };
  return { files, ignored, unreadable, outside, last: last && current.rest.files.length === 0 };
}

/** The first string behind every path below a folder: '0' follows '/'. */
const endOf = (folder: string) => `${folder === '/' ? '' : folder}0`;

/**
 * Where more samples are stored than are compared at a time, the page ends with the last one that was read, and the files
 * behind it are for the next page.
 */
function cutStretch(
  current: Walk,
  filled: Stretch,
  wanted: string,
  stored: readonly StoredSample[],
): { upto: string; stretch: Stretch } {
  const lastStored = stored.at(-1);
  if (stored.length < STORED_LIMIT || lastStored === undefined) return { upto: wanted, stretch: filled };
  const upto = lastStored.filepath;
  const at = filled.files.findIndex((file) => comparePaths(file.path, upto) > 0);
  const kept = at === -1 ? filled.files : filled.files.slice(0, at);
  current.rest.files = [...filled.files.slice(kept.length), ...current.rest.files];
  current.ended ||= filled.last;
  return { upto, stretch: { ...filled, files: kept, last: false } };
}

/** Both are in the order of paths, so one pass tells which samples lie in no hidden folder. */
function outsideOf(hidden: readonly string[], samples: readonly StoredSample[]): StoredSample[] {
  if (hidden.length === 0) return [...samples];
  const folders = hidden.map((folder) => `${folder}/`).sort(comparePaths);
  let i = 0;
  return samples.filter(({ filepath }) => {
    while (i < folders.length && comparePaths(`${folders[i]?.slice(0, -1)}0`, filepath) <= 0) i += 1;
    const folder = folders[i];
    return folder === undefined || !filepath.startsWith(folder);
  });
}

/**
 * A listing that is complete decides what is missing, so it must have been of one and the same disk.
 *
 * @throws UserError SourceChanged
 */
async function requireSameDisk(store: Store, { jobId, root }: ListRequest): Promise<void> {
  const load = await store.jobs.findOne({ _id: jobId }, { projection: { source_device: 1 } });
  const now = await deviceOf(root);
  if (load?.source_device === undefined || load.source_device === now) return;
  throw new UserError(
    'SourceChanged',
    `source: ${root} was unmounted or replaced while it was being listed. Nothing was marked as missing. Mount it and load it again.`,
  );
}

function storedBetween(
  store: Store,
  { datasetId, root }: ListRequest,
  after: string,
  upto: string,
): Promise<StoredSample[]> {
  const from = after === '' ? `${root === '/' ? '' : root}/` : after;
  return store.samples
    .find(
      { dataset_id: datasetId, filepath: { $gt: from, $lte: upto } },
      { projection: { _id: 0, seq: 1, filepath: 1, status: 1, 'source.fingerprint': 1 }, batchSize: 10_000 },
    )
    .sort({ filepath: 1 })
    .limit(STORED_LIMIT)
    .toArray();
}

interface NewPage {
  n: number;
  upto: string;
  stretch: Stretch;
  difference: Difference;
}

/**
 * Stores the page, its first count and the seqs of its new samples in one transaction: a crash leaves either all of it or
 * nothing, so that seqs stay dense. Returns whether the page holds work.
 */
async function writePage(
  store: Store,
  request: ListRequest,
  { n, upto, stretch, difference }: NewPage,
): Promise<boolean> {
  const { jobId, datasetId } = request;
  const { gone } = difference;
  const count = { ignored: stretch.ignored, unchanged: difference.unchanged, missing: gone.length };

  const write = async (baseSeq: number, session: ClientSession) => {
    const entries = [
      ...difference.added.map((file, i) => entryOf(file, baseSeq + i, true)),
      ...difference.changed.map(({ file, seq }) => entryOf(file, seq, false)),
    ];
    const page: PageDocument = {
      _id: `${jobId}/${n}`,
      job_id: jobId,
      n,
      upto,
      last: stretch.last,
      entries,
      gone: gone.filter((sample) => sample.status !== 'missing').map((sample) => sample.seq),
    };
    await store.pages.insertOne(page, { session });
    await store.progress.insertOne(
      {
        _id: progressId(jobId, 'indexing', n),
        job_id: jobId,
        phase: 'indexing',
        done: difference.unchanged,
        failed: 0,
        total: stretch.files.length,
        outcomes: {
          ...count,
          unreadable_folders: stretch.unreadable.length,
          outside_links: stretch.outside.length,
        },
        at: new Date(),
        ...(stretch.unreadable.length > 0 ? { unreadable_folders: stretch.unreadable.slice(0, MOST_NAMED) } : {}),
        ...(stretch.outside.length > 0 ? { outside_links: stretch.outside.slice(0, MOST_NAMED) } : {}),
      },
      { session },
    );
  };

  try {
    await store.client.withSession((session) =>
      session.withTransaction(async () => {
        const added = difference.added.length;
        if (added === 0) return write(0, session);
        const before = await store.datasets.findOneAndUpdate(
          { _id: datasetId },
          { $inc: { next_seq: added } },
          { session, projection: { next_seq: 1 }, returnDocument: 'before' },
        );
        if (before === null) {
          throw new UserError('DatasetNotFound', `Dataset ${datasetId} was deleted while it was being loaded.`);
        }
        return write(before.next_seq, session);
      }),
    );
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) {
      throw new Error(`Page ${n} was written by another attempt of this listing; the next attempt goes on behind it.`);
    }
    throw error;
  }
  if (stretch.last) await store.jobs.updateOne({ _id: jobId }, { $set: { 'phases.indexing.total_known': true } });
  return difference.added.length + difference.changed.length > 0;
}

function entryOf(file: SourceFile, seq: number, isNew: boolean): PageEntry {
  return {
    path: file.path,
    ...(file.bytes === undefined ? {} : { bytes: new Binary(file.bytes) }),
    size: file.size,
    mtime_ns: Long.fromBigInt(file.mtimeNs),
    fingerprint: file.fingerprint,
    seq,
    new: isNew,
  };
}
