import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeStream } from 'mongodb';
import { isOver, type JobStatus } from '../contract/job.ts';
import { readStatus } from '../core/jobs/read-status.ts';
import { watchJob as watchStored } from '../core/store/changes.ts';
import { handleOf, type Job } from '../temporal/jobs.ts';
import type { Backends } from './backends.ts';
import { readJob } from './read-job.ts';
import { withWaitReason } from './wait-reason.ts';

/** Changes that follow each other within this time are shown as one. */
const SETTLE_MS = 100;
const RECONNECT_MS = 1000;
/** The reason for a wait may change while the record does not, as when a worker goes away. */
const LOOK_EVERY_MS = 2000;

/**
 * The record of a job ends a moment before its workflow. A worker that is there closes the workflow within this time.
 */
export const CLOSING_MS = 10_000;

/** Whether a job ended so recently that its workflow may still be open. */
export function mayBeClosing({ finished_at }: JobStatus): boolean {
  return finished_at !== null && Date.now() - Date.parse(finished_at) < CLOSING_MS;
}

/**
 * Yields a job's status now and after each change, until the job has ended. MongoDB pushes the changes. Temporal tells
 * the end of a workflow that could not record it, such as a terminated one. If a server goes away, this waits for it.
 */
export async function* watchJob(backends: Backends, job: Job, signal?: AbortSignal): AsyncGenerator<JobStatus> {
  const { temporal, store } = backends;
  const changes = createFlag();
  const stop = new AbortController();
  const until = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  until.addEventListener('abort', changes.raise, { once: true });

  const pause = (ms: number) => delay(ms, undefined, { signal: until }).catch(() => undefined);
  let ended = false;
  const followWorkflow = async () => {
    const handle = handleOf(temporal, job);
    while (!until.aborted && !ended) {
      ended = await temporal
        .withAbortSignal(until, () => handle.result())
        .then(
          () => true,
          (error: unknown) => !isOutage(error),
        );
      if (!ended) await pause(RECONNECT_MS);
    }
    changes.raise();
  };
  const followStore = async () => {
    while (!until.aborted) {
      const stream = await watchStored(store, job.job_id).catch(() => undefined);
      if (stream === undefined) {
        await pause(RECONNECT_MS);
        continue;
      }
      // A change before the stream began may have been missed.
      changes.raise();
      const close = () => void stream.close().catch(() => undefined);
      until.addEventListener('abort', close, { once: true });
      await drain(stream, changes.raise).catch(() => undefined);
      until.removeEventListener('abort', close);
      close();
      await pause(RECONNECT_MS);
    }
  };
  // Nobody awaits the stream's end: closing it waits for the server's last answer, up to a second.
  const workflowEnded = followWorkflow();
  void followStore();

  // While the workflow runs, its record tells everything. Its end may be known only to Temporal.
  const read = async () => {
    const status = ended ? undefined : await readStatus(store, job.job_id);
    return status === undefined ? readJob(backends, job) : withWaitReason(backends, status);
  };
  const clock = setInterval(changes.raise, LOOK_EVERY_MS);
  let shown = '';
  let shownBefore = false;
  try {
    while (!until.aborted) {
      changes.lower();
      const status = await read().catch((error: unknown) => {
        if (isOutage(error)) return undefined;
        throw error;
      });
      const text = JSON.stringify({ ...status, phases: status && withoutRates(status.phases) });
      if (status !== undefined && text !== shown) {
        shown = text;
        yield status;
      }
      if (status !== undefined && isOver(status)) {
        // The next job of the dataset can be started only when the workflow has ended, too.
        if (shownBefore) await workflowEnded;
        // A job that was over at the first look may have ended long ago, and Temporal need not be asked.
        else if (mayBeClosing(status)) await Promise.race([workflowEnded, pause(CLOSING_MS)]);
        return;
      }
      shownBefore = true;
      if (status === undefined || ended) await pause(RECONNECT_MS);
      else await changes.raised();
      await pause(SETTLE_MS);
    }
  } finally {
    clearInterval(clock);
    stop.abort();
  }
  signal?.throwIfAborted();
}

async function drain(stream: ChangeStream, onChange: () => void): Promise<void> {
  for await (const _ of stream) onChange();
}

/** Rates and remaining times change with the clock, so a change of them alone is no news. */
const withoutRates = (phases: JobStatus['phases']) =>
  Object.values(phases).map(({ rate: _rate, seconds_left: _left, ...phase }) => phase);

/** Whether a server did not answer, as opposed to answering that there is no such job. */
function isOutage(error: unknown): boolean {
  return error instanceof Error && /^Mongo|ServiceError/.test(error.name);
}

/** A flag that one side raises and the other awaits. */
function createFlag() {
  let { promise, resolve } = Promise.withResolvers<void>();
  return {
    raise: () => resolve(),
    lower: () => ({ promise, resolve } = Promise.withResolvers<void>()),
    raised: () => promise,
  };
}
