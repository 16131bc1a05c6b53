import type { FileOutcomes } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import { rangeBelow, relativeTo } from '../folders.ts';
import { comparePaths } from '../sources/file-names.ts';
import type { Selection } from '../sources/selection.ts';
import { emptyStep, type ListedFile, type ListingStep, type Source, type Sources } from '../sources/source.ts';
import { deviceOfJob } from '../store/jobs.ts';
import { sumPages } from '../store/progress.ts';
import { filesBetween, type StoredFile } from '../store/samples.ts';
import type { Store } from '../store/store.ts';
import { compareListing, type Difference } from './compare-listing.ts';
import { PAGE_BYTES, pageFileBytes, pageFileOf, writePage } from './write-page.ts';
import { writtenPages } from './written-pages.ts';

/** A request to list a source from a page on. */
export interface ListRequest {
  jobId: string;
  /** The run of the job's workflow that lists; omitted where no workflow does. */
  runId?: string | undefined;
  datasetId: string;
  /** The source's root, as its canonical name. */
  root: string;
  /** The page to write next, from 0. */
  page: number;
  selection: Selection;
  /** Whether files that look unchanged are read again. */
  reread?: boolean;
  /** Called as the listing makes progress, and after each stored page. */
  onStep: () => void;
  signal: AbortSignal;
}

/** The pages that one call covered, and where to continue. */
export interface ListResult {
  /** The page to continue with, or null when the listing is complete. */
  next: number | null;
  /** The written pages that hold work. */
  pages: number[];
  /** Files in all pages that this call covers. Some of them need no work. */
  total: number;
  unchanged: number;
}

/**
 * Files per page. The first page is small, so results appear at once. Later pages are large, so round trips stay few.
 */
export const pageLimit = (page: number) => Math.min(256 * 2 ** page, 8192);

/** A call that found files to index returns after this long, so that indexing overlaps with listing. */
const SLICE_MS = 700;
/** Without any, there is nothing to overlap with, and each call costs history. */
const IDLE_SLICE_MS = 10_000;

/** Whether a call that began at `startedAt` and has just written the page before `page` returns now. */
export function isSliceOver({ pages, page, startedAt }: { pages: number[]; page: number; startedAt: number }): boolean {
  const took = performance.now() - startedAt;
  return pages.length > 0 ? page === 1 || took > SLICE_MS : took > IDLE_SLICE_MS;
}

/** Stored files compared together. A removed folder may have held millions of files. */
const STORED_LIMIT = 20_000;

/** An abandoned listing is dropped after this long. */
const LISTING_IDLE_MS = 60_000;

/** Listings kept open. Continuing one avoids reading a folder of a million names again. */
const MAX_LISTINGS = 8;

/** A listing between two calls. */
interface Listing {
  steps: AsyncGenerator<ListingStep>;
  /** Listed files that belong to the next page. */
  rest: ListingStep;
  /** Folders that can't be read and may overlap the next range. The state of their files is unknown. */
  hidden: string[];
  /** The source has no more steps; only `rest` is left. */
  ended: boolean;
}

/**
 * Lists a source in slices. Each call writes pages until its time is up; the written pages are the cursor for the next
 * call. The next call continues the open listing if this process still has it. Otherwise it starts a new listing after
 * the last page.
 *
 * @throws UserError the errors of `Source.check`, and SourceChanged.
 */
export function createSourceLister(store: Store, sources: Sources): (request: ListRequest) => Promise<ListResult> {
  const listings = new Map<string, Listing>();

  return async function listSource(request) {
    const { jobId, root } = request;
    const source = sources.of(root);
    const startedAt = performance.now();
    // The root may have vanished or moved since the last slice. An open listing would not notice.
    await source.check(root);
    // An earlier attempt may have written pages without reporting them.
    const written = await writtenPages(store, request);
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
    // The listing did not look for a file that is left out, so the file is not missing.
    const isSelected = ({ filepath }: StoredFile) => request.selection.covers(relativeTo(root, filepath));
    const keyOf = (next: number) => `${jobId}/${request.runId}/${next}`;
    const listing = listings.get(keyOf(page)) ?? beginListing(source, request, after);
    listings.delete(keyOf(page));

    for (;;) {
      const filled = await fillPage(listing, pageLimit(page), request);
      if (filled.last) await requireSameDisk(store, source, request);
      const wanted = filled.last ? endOf(root) : (filled.files.at(-1)?.path ?? after);
      const stored = await storedBetween(store, request, after, wanted);
      const { upto, pathRange } = shortenRange(listing, filled, wanted, stored);
      const difference = compareListing(pathRange.files, stored, request.reread);
      difference.gone = outsideFolders(listing.hidden, difference.gone).filter(isSelected);
      listing.hidden = listing.hidden.filter((folder) => comparePaths(endOf(folder), upto) > 0);
      await writeRange(store, request, { n: page, upto, pathRange, difference });
      covered.push(page);
      if (difference.added.length + difference.changed.length > 0) pages.push(page);
      request.onStep();
      if (pathRange.last) return finish(null);
      page += 1;
      after = upto;
      if (isSliceOver({ pages, page, startedAt })) break;
    }

    const key = keyOf(page);
    listings.set(key, listing);
    setTimeout(() => listings.delete(key), LISTING_IDLE_MS).unref();
    for (const oldest of listings.keys()) if (listings.size > MAX_LISTINGS) listings.delete(oldest);
    return finish(page);
  };
}

function beginListing(source: Source, { root, selection }: ListRequest, after: string): Listing {
  return { steps: source.list(root, selection, after), rest: emptyStep(), hidden: [], ended: false };
}

/** One path range of the listing, and whether it is the last one. */
interface PathRange extends ListingStep {
  last: boolean;
}

/** Takes steps of the listing until the page is full. The surplus stays for the next page. */
async function fillPage(listing: Listing, limit: number, { onStep, signal }: ListRequest): Promise<PathRange> {
  const { unreadable, outside } = listing.rest;
  let { ignored, excluded } = listing.rest;
  const files: ListedFile[] = [];
  let bytes = 0;
  /** Adds files until the page is full, and returns the others. */
  const add = (found: ListedFile[]): ListedFile[] => {
    for (const [i, file] of found.entries()) {
      bytes += pageFileBytes(file);
      if (files.length === limit || bytes > PAGE_BYTES) return found.slice(i);
      files.push(file);
    }
    return [];
  };
  let rest = add(listing.rest.files);
  let last = listing.ended;
  while (!last && rest.length === 0 && files.length < limit) {
    signal.throwIfAborted();
    const step = await listing.steps.next();
    onStep();
    if (step.done) {
      last = true;
      break;
    }
    rest = add(step.value.files);
    ignored += step.value.ignored;
    excluded += step.value.excluded;
    unreadable.push(...step.value.unreadable);
    outside.push(...step.value.outside);
    listing.hidden.push(...step.value.unreadable);
  }
  listing.rest = { ...emptyStep(), files: rest };
  return { files, ignored, excluded, unreadable, outside, last: last && rest.length === 0 };
}

/** The first string after every path below a folder. */
const endOf = (folder: string) => rangeBelow(folder).before;

/**
 * Shortens the page if more files are stored in its range than are compared together. The page then ends at the last
 * stored file that was read, and later listed files move to the next page.
 */
function shortenRange(
  listing: Listing,
  filled: PathRange,
  wanted: string,
  stored: readonly StoredFile[],
): { upto: string; pathRange: PathRange } {
  const lastStored = stored.at(-1);
  if (stored.length < STORED_LIMIT || lastStored === undefined) return { upto: wanted, pathRange: filled };
  const upto = lastStored.filepath;
  const at = filled.files.findIndex((file) => comparePaths(file.path, upto) > 0);
  const kept = at === -1 ? filled.files : filled.files.slice(0, at);
  listing.rest.files = [...filled.files.slice(kept.length), ...listing.rest.files];
  listing.ended ||= filled.last;
  return { upto, pathRange: { ...filled, files: kept, last: false } };
}

/** Returns the files that are in no hidden folder. Both lists are in path order, so one pass suffices. */
function outsideFolders(hidden: readonly string[], files: readonly StoredFile[]): StoredFile[] {
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
 * Checks that the whole listing came from one disk, because a complete listing decides which files are missing.
 *
 * @throws UserError SourceChanged
 */
async function requireSameDisk(store: Store, source: Source, { jobId, root }: ListRequest): Promise<void> {
  const before = await deviceOfJob(store, jobId);
  if (before === undefined || before === (await source.identity(root))) return;
  throw new UserError(
    'SourceChanged',
    `source: ${root} was unmounted or replaced while it was being listed. ` +
      'Nothing was marked as missing. Mount it and load it again.',
  );
}

function storedBetween(
  store: Store,
  { datasetId, root }: ListRequest,
  after: string,
  upto: string,
): Promise<StoredFile[]> {
  const from = after === '' ? rangeBelow(root).after : after;
  return filesBetween(store, { datasetId, after: from, upto, limit: STORED_LIMIT });
}

interface ComparedRange {
  n: number;
  upto: string;
  pathRange: PathRange;
  difference: Difference;
}

async function writeRange(
  store: Store,
  { jobId, runId }: ListRequest,
  { n, upto, pathRange, difference: { added, changed, unchanged, gone } }: ComparedRange,
): Promise<void> {
  const pageFile = (stored: boolean) => (file: ListedFile) => pageFileOf(file, file, stored);
  const { ignored, excluded } = pathRange;
  const outcomes: Partial<FileOutcomes> = { ignored, excluded, unchanged, missing: gone.length };
  await writePage(store, {
    jobId,
    runId,
    n,
    upto,
    last: pathRange.last,
    files: [...added.map(pageFile(false)), ...changed.map(pageFile(true))],
    // A file that was already missing is counted again but not marked again.
    gone: gone.filter(({ status }) => status !== 'missing').map(({ seq }) => seq),
    unchanged,
    outcomes,
    unreadable: pathRange.unreadable,
    outside: pathRange.outside,
  });
}
