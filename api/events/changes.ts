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

/** A job or dataset that changed, in its current state. */
export type Change =
  | { kind: 'job'; dataset: string; status: JobStatus }
  | { kind: 'dataset'; dataset: string; document: DatasetDocument }
  | { kind: 'dataset_removed'; dataset: string };

/** The change stream of this process, shared by all listeners. */
export interface Changes {
  /** Whether the change stream is open. */
  readonly ready: boolean;
  /** Adds a listener and returns a function that removes it. Listeners must not throw. `turn` orders the readings. */
  listen(listener: (change: Change, turn: number) => void): () => void;
  /** Returns a turn greater than that of every reading that has begun. */
  nextTurn(): number;
  /** Reads the changed job or dataset again and tells all listeners. */
  readAgain(change: Change): void;
  stop(): Promise<void>;
}

const RECONNECT_MS = 500;
/** Interval at which Temporal is asked about jobs that can't record their own end. */
const SWEEP_MS = 5000;
const MOST_SWEPT = 50;

/** Opens a change stream on MongoDB. After an outage it continues where it stopped. */
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
    // Only Temporal knows whether a worker polls. Progress is shown even if Temporal does not answer.
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
        // Changes before the stream was open may have been missed.
        if (token === undefined) await touchOpenJobs();
        ready = true;
        for await (const change of stream as AsyncIterable<StoredChange>) {
          token = change._id;
          note(change);
        }
        // MongoDB ends the stream when the database is dropped.
        token = undefined;
        renewIndexes();
      } catch (error) {
        // Continue from the token after an outage. Any other error would occur again with the same token.
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

  /** Asks Temporal about open jobs. Only Temporal knows that a workflow was terminated or waits for a worker. */
  async function sweep(): Promise<void> {
    if (listeners.size === 0 || !mongodb.ready) return;
    for (const jobId of await openJobIds(store, MOST_SWEPT)) {
      const status = await readStatus(store, jobId);
      // Ending the record causes a change event like any other.
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
