import { setTimeout as delay } from 'node:timers/promises';
import { type ChangeStream, MongoError, type ResumeToken } from 'mongodb';
import { settle } from '../../client/read-job.ts';
import { withWaitReason } from '../../client/wait-reason.ts';
import type { JobStatus } from '../../contract/job.ts';
import { readStatus } from '../../core/jobs/read-status.ts';
import { changedBy, type Change as StoredChange, watchAll } from '../../core/store/changes.ts';
import { findDataset } from '../../core/store/datasets.ts';
import type { DatasetDocument } from '../../core/store/documents.ts';
import { openJobIds } from '../../core/store/jobs.ts';
import type { ApiBackends } from '../backends/backends.ts';
import { isMongoOutage } from '../backends/outages.ts';
import { createCoalescer } from './coalesce.ts';

/** What has changed, as it is now. */
export type Change =
  | { kind: 'job'; dataset: string; status: JobStatus }
  | { kind: 'dataset'; dataset: string; document: DatasetDocument }
  | { kind: 'dataset_removed'; dataset: string };

/** The one stream of changes of this process, however many listen. */
export interface Changes {
  /** Whether changes are heard at the moment. */
  readonly ready: boolean;
  /** Returns what ends it. A listener must not throw. `turn` says when the reading that it is told of began. */
  listen(listener: (change: Change, turn: number) => void): () => void;
  /** A turn later than that of every reading which has begun. */
  nextTurn(): number;
  /** Reads anew what a change was of, and tells all who listen. */
  readAgain(change: Change): void;
  stop(): Promise<void>;
}

const RECONNECT_MS = 500;
/** How often Temporal is asked for jobs that can't record their own end. */
const SWEEP_MS = 5000;
const MOST_SWEPT = 50;

/** Listens to MongoDB for as long as it is there, and begins again where it was when it comes back. */
export function openChanges(
  { client, mongodb, renewIndexes }: ApiBackends,
  log: (message: string, error?: unknown) => void,
): Changes {
  const { store } = client;
  const over = new AbortController();
  const listeners = new Set<(change: Change, turn: number) => void>();
  let ready = false;
  let turns = 0;

  const nextTurn = () => {
    turns += 1;
    return turns;
  };
  const tell = (change: Change, turn: number) => {
    for (const listener of listeners) listener(change, turn);
  };
  const jobs = createCoalescer(async (jobId) => {
    if (listeners.size === 0) return;
    const turn = nextTurn();
    const read = await readStatus(store, jobId);
    if (read === undefined) return;
    // That no worker is there is for Temporal to say; progress is shown whether it says it or not.
    const status = await withWaitReason(client, read).catch(() => read);
    tell({ kind: 'job', dataset: status.dataset, status }, turn);
  });
  const datasets = createCoalescer(async (name) => {
    if (listeners.size === 0) return;
    const turn = nextTurn();
    const document = await findDataset(store, name);
    if (document === undefined) tell({ kind: 'dataset_removed', dataset: name }, turn);
    else tell({ kind: 'dataset', dataset: name, document }, turn);
  });

  async function follow(): Promise<void> {
    let token: ResumeToken;
    while (!over.signal.aborted) {
      let stream: ChangeStream | undefined;
      const close = () => void stream?.close().catch(() => undefined);
      over.signal.addEventListener('abort', close, { once: true });
      try {
        await mongodb.untilReady(over.signal);
        stream = await watchAll(store, token);
        // What changed while nobody listened may have been missed.
        if (token === undefined) await touchOpenJobs();
        ready = true;
        for await (const change of stream as AsyncIterable<StoredChange>) {
          token = change._id;
          note(change);
        }
        // MongoDB has ended it: the database was dropped.
        token = undefined;
        renewIndexes();
      } catch (error) {
        // After an outage it goes on where it was. Whatever else it is, the same token would meet it again.
        if (!isMongoOutage(error) && !isResumable(error)) token = undefined;
      } finally {
        over.signal.removeEventListener('abort', close);
      }
      if (over.signal.aborted) return;
      ready = false;
      await stream?.close().catch(() => undefined);
      await delay(RECONNECT_MS, undefined, { signal: over.signal, ref: false }).catch(() => undefined);
    }
  }

  function note(change: StoredChange): void {
    const changed = changedBy(change);
    if (changed?.kind === 'dataset') datasets.touch(changed.datasetId);
    if (changed?.kind === 'job') jobs.touch(changed.jobId);
  }

  async function touchOpenJobs(): Promise<void> {
    for (const jobId of await openJobIds(store, MOST_SWEPT)) jobs.touch(jobId);
  }

  /** The end of a workflow that could not record it comes from Temporal alone; so does that it waits for a worker. */
  async function sweep(): Promise<void> {
    if (listeners.size === 0 || !mongodb.ready) return;
    for (const jobId of await openJobIds(store, MOST_SWEPT)) {
      const status = await readStatus(store, jobId);
      // Ends the record, which is then heard of like any other change.
      if (status !== undefined) await settle(client, status);
      jobs.touch(jobId);
    }
  }

  const sweeping = (async () => {
    while (!over.signal.aborted) {
      await delay(SWEEP_MS, undefined, { signal: over.signal, ref: false }).catch(() => undefined);
      await sweep().catch(() => undefined);
    }
  })();
  const following = follow().catch((error: unknown) => log('The stream of changes ended', error));

  return {
    get ready() {
      return ready;
    },
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    nextTurn,
    readAgain(change) {
      if (change.kind === 'job') jobs.touch(change.status.job_id);
      else datasets.touch(change.dataset);
    },
    async stop() {
      over.abort();
      jobs.stop();
      datasets.stop();
      await Promise.all([following, sweeping]);
    },
  };
}

const isResumable = (error: unknown) =>
  error instanceof MongoError && error.hasErrorLabel('ResumableChangeStreamError');
