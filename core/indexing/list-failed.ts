import { type FileFacts, fileOfSample, UNKNOWN_FACTS, UNKNOWN_FINGERPRINT } from '../sources/files.ts';
import { createPresence } from '../sources/presence.ts';
import { isPresent, type Sources } from '../sources/source.ts';
import { sourcesOf } from '../store/datasets.ts';
import type { PageFile } from '../store/documents.ts';
import { type PageSummary, pathsListed } from '../store/pages.ts';
import { namedPaths } from '../store/progress.ts';
import { type FailedSample, failedSamples } from '../store/samples.ts';
import type { Store } from '../store/store.ts';
import { isSliceOver, type ListResult, pageLimit } from './list-source.ts';
import { PAGE_BYTES, pageFileBytes, pageFileOf, writePage } from './write-page.ts';
import { writtenPages } from './written-pages.ts';

/** A request to list a dataset's failed files. */
export interface ListFailedRequest {
  jobId: string;
  datasetId: string;
  /** The run of the job's workflow that lists; omitted where no workflow does. */
  runId?: string | undefined;
  /** The page to write next, from 0. */
  page: number;
  /** Called after each stored page. */
  onStep: () => void;
  signal: AbortSignal;
}

/** Concurrent file checks: enough to hide the latency of a network disk. */
const CONCURRENCY = 256;

/**
 * Lists the files of a dataset that could not be read, and the files that could not be embedded and have changed since.
 * Their pages are indexed in the same way as those of a source. Each call writes pages until its time is up; the
 * written pages are the cursor for the next call. Files of an absent source, such as an unmounted disk, are left out
 * and stay as they are. Files outside the source roots are left out too. A single file that is gone fails again.
 */
export async function listFailed(store: Store, sources: Sources, request: ListFailedRequest): Promise<ListResult> {
  const { datasetId } = request;
  const startedAt = performance.now();
  const roots = await sourcesOf(store, datasetId);

  // An earlier attempt may have written pages without reporting them.
  const written = await writtenPages(store, request);
  const pages: number[] = [];
  let total = 0;
  const report = ({ n, work }: PageSummary) => {
    if (work > 0) pages.push(n);
    total += work;
  };
  for (const page of written) if (page.n >= request.page) report(page);
  let last = written.at(-1);
  while (last?.last !== true) {
    request.signal.throwIfAborted();
    last = await listPage(store, sources, request, {
      roots,
      n: (last?.n ?? -1) + 1,
      after: Number(last?.upto ?? -1),
    });
    report(last);
    request.onStep();
    if (isSliceOver({ pages, page: last.n + 1, startedAt })) break;
  }
  return { next: last.last ? null : last.n + 1, pages, total, unchanged: 0 };
}

async function listPage(
  store: Store,
  sources: Sources,
  { jobId, runId, datasetId }: ListFailedRequest,
  { roots, n, after }: { roots: readonly string[]; n: number; after: number },
): Promise<PageSummary> {
  const limit = pageLimit(n);
  const failed = await failedSamples(store, { datasetId, after, limit });
  const samples = failed.slice(0, fittingOn(failed));
  const { files: found, absent, outside } = await examine(sources, roots, samples);
  // Samples of one file may lie on several pages. Two pages must not write one file at once.
  const listed = await pathsListed(
    store,
    jobId,
    found.map(({ path }) => path),
  );
  const files = found.filter(({ path }) => !listed.has(path));
  const named = new Set(await namedPaths(store, jobId, 'unreadable_folders'));
  const upto = String(samples.at(-1)?.seq ?? after);
  const last = samples.length === failed.length && failed.length < limit;
  await writePage(store, {
    jobId,
    runId,
    n,
    upto,
    last,
    files,
    gone: [],
    unchanged: 0,
    outcomes: {},
    unreadable: absent.filter((source) => !named.has(source)),
    outside,
  });
  return { n, upto, last, work: files.length };
}

/** How many of these samples' files fit on a page. */
function fittingOn(samples: readonly FailedSample[]): number {
  let bytes = 0;
  const beyond = samples.findIndex((sample) => {
    bytes += pageFileBytes({ ...fileOfSample(sample), ...UNKNOWN_FACTS });
    return bytes > PAGE_BYTES;
  });
  return beyond === -1 ? samples.length : beyond;
}

interface Examined {
  files: PageFile[];
  /** Absent sources. Their files keep their stored state. */
  absent: string[];
  /** Files outside the source roots. */
  outside: string[];
}

/** Checks the files of failed samples, each file once. */
async function examine(
  sources: Sources,
  roots: readonly string[],
  samples: readonly FailedSample[],
): Promise<Examined> {
  const presence = createPresence(roots, (root) => isPresent(sources, root));
  const byFile = [...new Map(samples.map((sample) => [sample.filepath, sample])).values()];
  const found: Examined = { files: [], absent: [], outside: [] };
  for (let at = 0; at < byFile.length; at += CONCURRENCY) {
    const batch = byFile.slice(at, at + CONCURRENCY);
    const looked = await Promise.all(batch.map((sample) => examineFile(sources, sample)));
    for (const [i, facts] of looked.entries()) {
      const sample = batch[i] as FailedSample;
      if (facts === 'outside') found.outside.push(sample.filepath);
      else if (isToRead(sample, facts)) {
        // A file that can't be examined stays in: reading it reports the cause.
        const isThere = facts.fingerprint !== UNKNOWN_FINGERPRINT || (await presence.has(sample.filepath));
        if (isThere) found.files.push(pageFileOf(fileOfSample(sample), facts, true));
      }
    }
  }
  return { ...found, absent: presence.absent() };
}

async function examineFile(sources: Sources, sample: FailedSample): Promise<FileFacts | 'outside'> {
  const file = fileOfSample(sample);
  const source = sources.of(file.path);
  if (!(await source.allows(file))) return 'outside';
  return (await source.stat(file)) ?? UNKNOWN_FACTS;
}

/**
 * Whether to read the file again. A file that was read but not embedded is read again only if it has changed, because
 * the embedding phase retries it anyway.
 */
const isToRead = ({ status, source }: FailedSample, { fingerprint }: FileFacts): boolean =>
  status === 'failed' || (fingerprint !== UNKNOWN_FINGERPRINT && fingerprint !== source.fingerprint);
