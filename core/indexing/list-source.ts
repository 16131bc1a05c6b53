import { Binary, type ClientSession, Long, MongoServerError } from 'mongodb';
import { type SourceFile, type WalkStep, walk } from '../sources/walk.ts';
import type { PageDocument, PageEntry } from '../store/documents.ts';
import { progressId } from '../store/progress.ts';
import { DUPLICATE_KEY, type Store } from '../store/store.ts';
import { type Difference, diffStretch, type StoredSample } from './diff.ts';

export interface ListRequest {
  loadId: string;
  datasetId: string;
  /** Absolute path of the folder, without a trailing slash. */
  root: string;
  /** The page to write next, from 0. */
  page: number;
  accepts: (name: string) => boolean;
  /** Called after a page is stored. */
  onPage: (page: number) => void;
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
const pageLimit = (page: number) => Math.min(256 * 2 ** page, 4096);

/** A page's document stays far below MongoDB's 16 MB, however long the paths are. */
const PAGE_BYTES = 4 << 20;

/** After this long a call returns, so that indexing overlaps with listing. */
const SLICE_MS = 700;

/** Walks that may go on: a warm continuation does not read a folder of a million names again. */
const MAX_WALKS = 8;

interface Walk {
  steps: AsyncGenerator<WalkStep>;
  rest: WalkStep;
}

/**
 * Lists a source in slices. Each call writes pages until its time is up; what it wrote is the cursor for the next, which
 * goes on with the same walk where it can and starts a new one behind the last page where it can't.
 */
export function createSourceLister(store: Store): (request: ListRequest) => Promise<ListResult> {
  const walks = new Map<string, Walk>();

  return async function listSource(request) {
    const { loadId } = request;
    const pages: number[] = [];
    const startedAt = performance.now();
    const finish = async (next: number | null): Promise<ListResult> => ({
      next,
      pages,
      ...(await countPages(store, loadId, request.page)),
    });

    // An earlier attempt may have written pages that it never got to report.
    const written = await store.pages
      .find(
        { load_id: loadId, n: { $gte: request.page - 1 } },
        { projection: { entries: { $slice: 1 }, n: 1, upto: 1, last: 1 } },
      )
      .sort({ n: 1 })
      .toArray();
    for (const page of written) if (page.n >= request.page && page.entries.length > 0) pages.push(page.n);
    const lastWritten = written.at(-1);
    if (lastWritten?.last) return finish(null);

    let page = (lastWritten?.n ?? -1) + 1;
    let after = lastWritten?.upto ?? '';
    const current: Walk = walks.get(`${loadId}/${page}`) ?? {
      steps: walk(request.root, request.accepts, after),
      rest: { files: [], ignored: 0, unreadable: [] },
    };
    walks.delete(`${loadId}/${page}`);

    for (;;) {
      request.signal.throwIfAborted();
      const stretch = await fillPage(current, pageLimit(page));
      const upto = stretch.last ? endOf(request.root) : (stretch.files.at(-1)?.path ?? after);
      const stored = await storedBetween(store, request, after, upto);
      const difference = diffStretch(stretch.files, stored);
      const hasWork = await writePage(store, request, { n: page, upto, stretch, difference });
      if (hasWork) pages.push(page);
      request.onPage(page);
      if (stretch.last) return finish(null);
      page += 1;
      after = upto;
      if (page === 1 || performance.now() - startedAt > SLICE_MS) break;
    }

    walks.set(`${loadId}/${page}`, current);
    for (const key of walks.keys()) if (walks.size > MAX_WALKS) walks.delete(key);
    return finish(page);
  };
}

async function countPages(store: Store, loadId: string, from: number): Promise<{ total: number; unchanged: number }> {
  const pages = await store.pages.find({ load_id: loadId, n: { $gte: from } }, { projection: { n: 1 } }).toArray();
  const counts = await store.progress
    .find({ _id: { $in: pages.map((page) => progressId(loadId, 'indexing', page.n)) } })
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
async function fillPage(current: Walk, limit: number): Promise<Stretch> {
  const { files, unreadable } = current.rest;
  let { ignored } = current.rest;
  let bytes = files.reduce((sum, file) => sum + file.path.length, 0);
  let last = false;
  while (files.length < limit && bytes < PAGE_BYTES) {
    const step = await current.steps.next();
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
  }
  current.rest = { files: files.splice(limit), ignored: 0, unreadable: [] };
  return { files, ignored, unreadable, last: last && current.rest.files.length === 0 };
}

/** The first string behind every path below the root: '0' follows '/'. */
const endOf = (root: string) => `${root === '/' ? '' : root}0`;

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
  const { loadId, datasetId } = request;
  // A subfolder that can't be read says nothing about what is in it.
  const hidden = stretch.unreadable.map((folder) => `${folder}/`);
  const gone = difference.gone.filter((sample) => !hidden.some((prefix) => sample.filepath.startsWith(prefix)));
  const count = { ignored: stretch.ignored, unchanged: difference.unchanged, missing: gone.length };

  const write = async (baseSeq: number, session: ClientSession) => {
    const entries = [
      ...difference.added.map((file, i) => entryOf(file, baseSeq + i, true)),
      ...difference.changed.map(({ file, seq }) => entryOf(file, seq, false)),
    ];
    const page: PageDocument = {
      _id: `${loadId}/${n}`,
      load_id: loadId,
      n,
      upto,
      last: stretch.last,
      entries,
      gone: gone.filter((sample) => sample.status !== 'missing').map((sample) => sample.seq),
    };
    await store.pages.insertOne(page, { session });
    await store.progress.insertOne(
      {
        _id: progressId(loadId, 'indexing', n),
        load_id: loadId,
        phase: 'indexing',
        done: difference.unchanged,
        failed: 0,
        total: stretch.files.length,
        outcomes: { ...count, unreadable_folders: stretch.unreadable.length },
        ...(stretch.unreadable.length > 0 ? { unreadable_folders: stretch.unreadable.slice(0, 100) } : {}),
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
        if (before === null) throw new Error(`Dataset ${datasetId} was deleted while it was being loaded.`);
        return write(before.next_seq, session);
      }),
    );
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) {
      throw new Error(`Page ${n} was written by another attempt of this listing; the next attempt goes on behind it.`);
    }
    throw error;
  }
  if (stretch.last) await store.loads.updateOne({ _id: loadId }, { $set: { 'phases.indexing.total_known': true } });
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
