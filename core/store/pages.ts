import type { ClientSession } from 'mongodb';
import { collectionsOf } from './collections.ts';
import type { PageDocument } from './documents.ts';
import type { Store } from './store.ts';

/** The `_id` of a page. */
export const pageId = (jobId: string, n: number) => `${jobId}/${n}`;

/**
 * Inserts a page.
 *
 * @throws MongoServerError DuplicateKey when the page exists
 */
export async function insertPage(store: Store, page: PageDocument, session: ClientSession): Promise<void> {
  await collectionsOf(store).pages.insertOne(page, { session });
}

/** A page of a job; undefined if it is not stored. */
export async function findPage(store: Store, jobId: string, n: number): Promise<PageDocument | undefined> {
  return (await collectionsOf(store).pages.findOne({ _id: pageId(jobId, n) })) ?? undefined;
}

/** A page without its files. */
export type PageSummary = Pick<PageDocument, 'n' | 'upto' | 'last'> & { work: number };

/** The pages of a job from `n` on, in order. `work` is the number of files to read. */
export async function pagesFrom(store: Store, jobId: string, n: number): Promise<PageSummary[]> {
  return collectionsOf(store)
    .pages.aggregate<PageSummary>([
      { $match: { job_id: jobId, n: { $gte: n } } },
      { $sort: { n: 1 } },
      { $project: { _id: 0, n: 1, upto: 1, last: 1, work: { $size: '$files' } } },
    ])
    .toArray();
}

/** Counts the pages of a job. */
export async function countPages(store: Store, jobId: string, session?: ClientSession): Promise<number> {
  return collectionsOf(store).pages.countDocuments({ job_id: jobId }, session === undefined ? {} : { session });
}

/** The seqs of gone files on each page of a job. Pages without any are skipped. */
export async function* goneByPage(store: Store, jobId: string): AsyncGenerator<number[]> {
  const pages = collectionsOf(store).pages.find(
    { job_id: jobId, gone: { $ne: [] } },
    { projection: { _id: 0, gone: 1 }, sort: { n: 1 } },
  );
  for await (const { gone } of pages) yield gone;
}

/** Removes all pages of these jobs. */
export async function removePages(store: Store, jobIds: readonly string[], session?: ClientSession): Promise<void> {
  if (jobIds.length > 0)
    await collectionsOf(store).pages.deleteMany(
      { job_id: { $in: [...jobIds] } },
      session === undefined ? {} : { session },
    );
}

/** IDs of the jobs that have pages. */
export async function jobsWithPages(store: Store): Promise<string[]> {
  const groups = collectionsOf(store).pages.aggregate<{ _id: string }>([{ $group: { _id: '$job_id' } }]);
  return (await groups.toArray()).map(({ _id }) => _id);
}

/** Those of some paths that are on a page of a job. */
export async function pathsListed(store: Store, jobId: string, paths: readonly string[]): Promise<ReadonlySet<string>> {
  const { pages } = collectionsOf(store);
  const found = await pages
    .aggregate<{ path: string }>([
      { $match: { job_id: jobId, 'files.path': { $in: [...paths] } } },
      { $project: { _id: 0, path: '$files.path' } },
      { $unwind: '$path' },
      { $match: { path: { $in: [...paths] } } },
    ])
    .toArray();
  return new Set(found.map(({ path }) => path));
}
