import { type JobKind, type JobState, type JobStatus, UNFINISHED_STATES } from '../contract/job.ts';
import { UserError } from '../core/errors.ts';
import { statusNow } from '../core/jobs/read-status.ts';
import { statusOf } from '../core/jobs/status.ts';
import type { JobDocument } from '../core/store/documents.ts';
import { type JobPosition, listJobs as queryJobs } from '../core/store/jobs.ts';
import { askAll } from '../temporal/jobs.ts';
import type { Backends } from './backends.ts';
import { settle } from './read-job.ts';

export interface JobFilter {
  dataset?: string;
  /** Only jobs in this state, or in one of these. */
  state?: JobState | readonly JobState[];
  /** Only jobs of this kind, or of one of these. */
  kind?: JobKind | readonly JobKind[];
  /** Only jobs that started at this time or later. */
  since?: Date;
  /** Only jobs that started before this time. */
  before?: Date;
  /** At most this many, newest first; 20 if left out. */
  limit?: number;
  /** `next` of the page before. */
  cursor?: string;
}

export interface JobPage {
  /** Newest first. */
  jobs: JobStatus[];
  /** Pass as `cursor`, with the same filter, for the next page; null on the last. */
  next: string | null;
}

const DEFAULT_LIMIT = 20;

/**
 * Running and past jobs, newest first, including those that Temporal no longer keeps. Pages are cut by keyset, so jobs
 * that start or end meanwhile neither repeat nor hide another. Temporal is asked only about unfinished jobs.
 *
 * @throws UserError InvalidInput for a malformed cursor
 */
export async function listJobs(backends: Backends, filter: JobFilter): Promise<JobPage> {
  const limit = filter.limit ?? DEFAULT_LIMIT;
  const states = listOf(filter.state);
  const jobs: JobStatus[] = [];
  let from = filter.cursor === undefined ? undefined : readCursor(filter.cursor);
  for (;;) {
    // One more than the limit tells whether there is a next page.
    const found = await find(backends, filter, states, from, limit - jobs.length + 1);
    const complete = found.length <= limit - jobs.length;
    const read = await readAll(backends, complete ? found : found.slice(0, -1));
    jobs.push(...read.filter(({ state }) => states === undefined || states.includes(state)));
    const last = found.at(complete ? -1 : -2);
    if (last !== undefined) from = { started_at: last.started_at, _id: last._id };
    if (complete) return { jobs, next: null };
    if (jobs.length === limit && from !== undefined) return { jobs, next: writeCursor(from) };
  }
}

const listOf = <T>(value: T | readonly T[] | undefined): readonly T[] | undefined =>
  value === undefined ? undefined : Array.isArray(value) ? value : [value as T];

/** Candidates: records in one of the states, and unfinished ones, which may have reached such a state since. */
function find(
  { store }: Backends,
  { dataset, kind, since, before }: JobFilter,
  states: readonly JobState[] | undefined,
  from: JobPosition | undefined,
  limit: number,
): Promise<JobDocument[]> {
  // A record of an unfinished job may be out of date: its workflow may be over.
  const candidates = states === undefined ? undefined : [...new Set([...states, ...UNFINISHED_STATES])];
  return queryJobs(store, { dataset, states: candidates, kinds: listOf(kind), since, before, from }, limit);
}

async function readAll(backends: Backends, jobs: readonly JobDocument[]): Promise<JobStatus[]> {
  const now = new Date();
  const unfinished = jobs.filter(({ finished_at }) => finished_at === undefined);
  const settled = await askAll(unfinished, async (job) => settle(backends, await statusNow(backends.store, job)));
  const byId = new Map(settled.map((status) => [status.job_id, status]));
  return jobs.map((job) => byId.get(job._id) ?? statusOf(job, now));
}

function writeCursor({ started_at, _id }: JobPosition): string {
  return Buffer.from(`${started_at.getTime()}/${_id}`).toString('base64url');
}

/** Whether a cursor has the form of ours. */
export const isJobsCursor = (cursor: string) => positionIn(cursor) !== undefined;

function readCursor(cursor: string): JobPosition {
  const position = positionIn(cursor);
  if (position !== undefined) return position;
  throw new UserError(
    'InvalidInput',
    `cursor: "${cursor}" is not a cursor. Pass "next" of the page before, unchanged.`,
  );
}

function positionIn(cursor: string): JobPosition | undefined {
  const [, ms, id] = /^(\d{1,15})\/([\w-]+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  return ms === undefined || id === undefined ? undefined : { started_at: new Date(Number(ms)), _id: id };
}
