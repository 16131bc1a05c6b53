import { Binary, BSON, Long } from 'mongodb';
import type { FileFacts, FileRef } from '../sources/files.ts';
import type { PageDocument, PageFile, ProgressDocument } from '../store/documents.ts';
import { setPhaseFields } from '../store/jobs.ts';
import { insertPage, pageId } from '../store/pages.ts';
import { insertPageProgress, MAX_NAMED } from '../store/progress.ts';
import { inTransaction, isDuplicateKey, type Store } from '../store/store.ts';
import { requireListing } from './written-pages.ts';

/** A page of files to read, and what its listing found. */
export interface NewPage {
  jobId: string;
  /** The run of the job's workflow that lists; omitted where no workflow does. */
  runId?: string | undefined;
  n: number;
  upto: string;
  last: boolean;
  files: PageFile[];
  gone: number[];
  /** Files that are counted but need no work. */
  unchanged: number;
  outcomes: NonNullable<ProgressDocument['outcomes']>;
  /** Folders that could not be read, and links that were not followed. The first MAX_NAMED of each are kept. */
  unreadable: readonly string[];
  outside: readonly string[];
}

/** Converts a file to the form that a page stores. */
export function pageFileOf(
  { path, bytes }: FileRef,
  { size, mtimeNs, fingerprint }: FileFacts,
  stored: boolean,
): PageFile {
  return {
    path,
    ...(bytes === undefined ? {} : { bytes: new Binary(bytes) }),
    size,
    mtime_ns: Long.fromBigInt(mtimeNs),
    fingerprint,
    stored,
  };
}

/** Most bytes of a page's files. The page's document stays far below MongoDB's limit of 16 MB. */
export const PAGE_BYTES = 4 << 20;

/** The most bytes that a file takes on a page, as BSON counts them. Characters of a path would be too few. */
export const pageFileBytes = ({ path, bytes, fingerprint }: FileRef & Pick<FileFacts, 'fingerprint'>): number =>
  BARE_BYTES + Buffer.byteLength(path) + Buffer.byteLength(fingerprint) + (bytes?.length ?? 0);

/** A file without the bytes of its texts, at an index of up to seven digits. */
const BARE_BYTES = BSON.calculateObjectSize({
  1000000: pageFileOf({ path: '', bytes: Buffer.alloc(0) }, { size: 0.5, mtimeNs: 0n, fingerprint: '' }, false),
});

/**
 * Stores a page and its first count in one transaction, so a crash leaves both or neither.
 *
 * @throws UserError Superseded when the job has ended or another run works on it.
 * @throws Error when another attempt of the listing has written this page.
 */
export async function writePage(store: Store, page: NewPage): Promise<void> {
  const { jobId, runId, n, upto, last, files, gone, unchanged, outcomes, unreadable, outside } = page;
  const document: PageDocument = { _id: pageId(jobId, n), job_id: jobId, n, upto, last, files, gone };
  const counted = {
    done: unchanged,
    total: files.length + unchanged,
    outcomes: { ...outcomes, unreadable_folders: unreadable.length, outside_links: outside.length },
    ...(unreadable.length > 0 ? { unreadable_folders: unreadable.slice(0, MAX_NAMED) } : {}),
    ...(outside.length > 0 ? { outside_links: outside.slice(0, MAX_NAMED) } : {}),
  };
  try {
    await inTransaction(store, async (session) => {
      await requireListing(store, { jobId, runId }, session);
      await insertPage(store, document, session);
      await insertPageProgress(store, { jobId, chunk: n }, counted, session);
    });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    throw new Error(`Page ${n} was written by another attempt of this listing; the next attempt continues after it.`);
  }
  if (last) await setPhaseFields(store, jobId, 'indexing', { total_known: true });
}
