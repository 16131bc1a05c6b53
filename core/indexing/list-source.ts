import type { FileOutcomes } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import { comparePaths } from '../sources/file-names.ts';
import { emptyStep, type ListedFile, type ListingStep, type Source, type Sources } from '../sources/source.ts';
import { deviceOfJob } from '../store/jobs.ts';
import { pagesFrom } from '../store/pages.ts';
import { sumPages } from '../store/progress.ts';
import { filesBetween, type StoredFile } from '../store/samples.ts';
import type { Store } from '../store/store.ts';
import { compareListing, type Difference } from './compare-listing.ts';
import { pageFileOf, writePage } from './write-page.ts';

export interface ListRequest {
  jobId: string;
  datasetId: string;
  /** The source's root, by its canonical name. */
  root: string;
  /** The page to write next, from 0. */
  page: number;
  accepts: (name: string) => boolean;
  /** Called as the listing gets on, and after each page that is stored. */
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

/** Stored files compared at a time: a folder that was removed may have held millions, with no file between them. */
const STORED_LIMIT = 20_000;

/** A listing that nobody goes on with is forgotten after this long. */
const LISTING_IDLE_MS = 60_000;

/** Listings kept at a time. Going on with one reads no folder of a million names again. */
const MAX_LISTINGS = 8;

/** A listing between two calls. */
interface Listing {
  steps: AsyncGenerator<ListingStep>;
  /** What was listed and is for the next page. */
  rest: ListingStep;
  /** Folders that can't be read and may lie in the next stretch: a listing says nothing about what is in them. */
  hidden: string[];
  /** The steps are over, and `rest` is all there is left. */
  ended: boolean;
}

/**
 * Lists a source in slices. Each call writes pages until its time is up. The written pages are the cursor for the next call,
 * which goes on with the same listing where it can and starts a new one behind the last page where it can't.
 *
 * @throws UserError as `Source.check` does, SourceChanged
 */
export function createSourceLister(store: Store, sources: Sources): (request: ListRequest) => Promise<ListResult> {
  const listings = new Map<string, Listing>();

  return async function listSource(request) {
    const { jobId, root } = request;
    const source = sources.of(root);
    const startedAt = performance.now();
    // The root may have gone away since the last slice, or lead elsewhere: a listing that goes on would not notice.
    await source.check(root);
    // An earlier attempt may have written pages that it never got to report.
    const written = await pagesFrom(store, jobId, request.page - 1);
    const covered = written.filter(({ n }) => n >= request.page).map(({ n }) => n);
    const pages = written.filter(({ n, work }) => n >= request.page && work > 0).map(({ n }) => n);
    const finish = async (next: number | null): Promise<ListResult> => ({
      next,
      pages,
      ...(await sumPages(store, jobId, covered)),
    });
    const lastWritten = written.at(-1);
    if (lastWritten?.last) return finish(null);

    let page = (lastWritten?.n ?? -1) + 1;
    let after = lastWritten?.upto ?? '';
    const listing = listings.get(`${jobId}/${page}`) ?? beginListing(source, request, after);
    listings.delete(`${jobId}/${page}`);

    for (;;) {
      const filled = await fillPage(listing, pageLimit(page), request);
      if (filled.last) await requireSameDisk(store, source, request);
      const wanted = filled.last ? endOf(root) : (filled.files.at(-1)?.path ?? after);
      const stored = await storedBetween(store, request, after, wanted);
      const { upto, stretch } = cutStretch(listing, filled, wanted, stored);
      const difference = compareListing(stretch.files, stored);
      difference.gone = outsideOf(listing.hidden, difference.gone);
      listing.hidden = listing.hidden.filter((folder) => comparePaths(endOf(folder), upto) > 0);
      await writeStretch(store, jobId, { n: page, upto, stretch, difference });
      covered.push(page);
      if (difference.added.length + difference.changed.length > 0) pages.push(page);
      request.onStep();
      if (stretch.last) return finish(null);
      page += 1;
      after = upto;
      if (page === 1 || performance.now() - startedAt > SLICE_MS) break;
    }

    const key = `${jobId}/${page}`;
    listings.set(key, listing);
    setTimeout(() => listings.delete(key), LISTING_IDLE_MS).unref();
    for (const oldest of listings.keys()) if (listings.size > MAX_LISTINGS) listings.delete(oldest);
    return finish(page);
  };
}

function beginListing(source: Source, { root, accepts }: ListRequest, after: string): Listing {
  return { steps: source.list(root, accepts, after), rest: emptyStep(), hidden: [], ended: false };
}

/** A part of the listing, and whether it is the last one. */
interface Stretch extends ListingStep {
  last: boolean;
}

/** Takes steps of the listing until the page is full. What is too much stays for the next page. */
async function fillPage(listing: Listing, limit: number, { onStep, signal }: ListRequest): Promise<Stretch> {
  const { files, unreadable, outside } = listing.rest;
  let { ignored } = listing.rest;
  let bytes = files.reduce((sum, file) => sum + file.path.length, 0);
  let last = listing.ended;
  while (!last && files.length < limit && bytes < PAGE_BYTES) {
    signal.throwIfAborted();
    const step = await listing.steps.next();
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
    listing.hidden.push(...step.value.unreadable);
  }
  listing.rest = { ...emptyStep(), files: files.splice(limit) };
  return { files, ignored, unreadable, outside, last: last && listing.rest.files.length === 0 };
}

/** The first string behind every path below a folder: '0' follows '/'. */
const endOf = (folder: string) => `${folder === '/' ? '' : folder}0`;

/**
 * Where more files are stored than are compared at a time, the page ends with the last one that was read, and the listed files
 * behind it are for the next page.
 */
function cutStretch(
  listing: Listing,
  filled: Stretch,
  wanted: string,
  stored: readonly StoredFile[],
): { upto: string; stretch: Stretch } {
  const lastStored = stored.at(-1);
  if (stored.length < STORED_LIMIT || lastStored === undefined) return { upto: wanted, stretch: filled };
  const upto = lastStored.filepath;
  const at = filled.files.findIndex((file) => comparePaths(file.path, upto) > 0);
  const kept = at === -1 ? filled.files : filled.files.slice(0, at);
  listing.rest.files = [...filled.files.slice(kept.length), ...listing.rest.files];
  listing.ended ||= filled.last;
  return { upto, stretch: { ...filled, files: kept, last: false } };
}

/** The files that lie in no hidden folder. Both lists are in the order of paths, so one pass tells. */
function outsideOf(hidden: readonly string[], files: readonly StoredFile[]): StoredFile[] {
  if (hidden.length === 0) return [...files];
  const folders = hidden.map((folder) => `${folder}/`).sort(comparePaths);
  let i = 0;
  return files.filter(({ filepath }) => {
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
async function requireSameDisk(store: Store, source: Source, { jobId, root }: ListRequest): Promise<void> {
  const before = await deviceOfJob(store, jobId);
  if (before === undefined || before === (await source.identity(root))) return;
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
): Promise<StoredFile[]> {
  const from = after === '' ? `${root === '/' ? '' : root}/` : after;
  return filesBetween(store, { datasetId, after: from, upto, limit: STORED_LIMIT });
}

interface ComparedStretch {
  n: number;
  upto: string;
  stretch: Stretch;
  difference: Difference;
}

async function writeStretch(
  store: Store,
  jobId: string,
  { n, upto, stretch, difference: { added, changed, unchanged, gone } }: ComparedStretch,
): Promise<void> {
  const pageFile = (stored: boolean) => (file: ListedFile) => pageFileOf(file, file, stored);
  const outcomes: Partial<FileOutcomes> = { ignored: stretch.ignored, unchanged, missing: gone.length };
  await writePage(store, {
    jobId,
    n,
    upto,
    last: stretch.last,
    files: [...added.map(pageFile(false)), ...changed.map(pageFile(true))],
    // A file that was missing before is counted again, and not marked again.
    gone: gone.filter(({ status }) => status !== 'missing').map(({ seq }) => seq),
    unchanged,
    outcomes,
    unreadable: stretch.unreadable,
    outside: stretch.outside,
  });
}
