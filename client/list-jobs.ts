import type { Filter } from 'mongodb';
import { withLiveCounts } from '../core/loads/read-status.ts';
import { type LoadStatus, statusOf } from '../core/loads/status.ts';
import type { LoadDocument, LoadState } from '../core/store/documents.ts';
import type { Backends } from './backends.ts';
import { settle } from './read-job.ts';

export interface JobFilter {
  dataset?: string;
  state?: LoadState;
  /** At most this many, newest first; 20 if left out. */
  limit?: number;
  /** Only jobs that started before this time: `next` of the page before. */
  before?: Date;
}

export interface JobPage {
  jobs: LoadStatus[];
  /** Pass as `before` for the next page; null on the last. */
  next: string | null;
}

const MAX_TIES = 20;

/** Running and past jobs, newest first, past Temporal's retention too. */
export async function listJobs(backends: Backends, filter: JobFilter): Promise<JobPage> {
  const { store } = backends;
  const limit = filter.limit ?? 20;
  const query: Filter<LoadDocument> = {
    ...(filter.dataset === undefined ? {} : { dataset_id: filter.dataset }),
    ...(filter.state === undefined ? {} : { state: filter.state }),
    ...(filter.before === undefined ? {} : { started_at: { $lt: filter.before } }),
  };
  const loads = await store.loads
    .find(query)
    .sort({ started_at: -1, _id: -1 })
    .limit(limit + MAX_TIES)
    .toArray();
  const last = loads[limit - 1]?.started_at.getTime();
  // Jobs that started in the same millisecond stay on one page: the next begins before it.
  const page = loads.filter((load, i) => i < limit || load.started_at.getTime() === last);
  const now = new Date();
  const jobs = await Promise.all(
    page.map(async (load) => settle(backends, statusOf(await withLiveCounts(store, load), now))),
  );
  return { jobs, next: loads.length > page.length ? (page.at(-1)?.started_at.toISOString() ?? null) : null };
}
