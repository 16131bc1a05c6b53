import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeStream } from 'mongodb';
import type { JobStatus } from '../contract/job.ts';
import { readStatus } from '../core/jobs/read-status.ts';
import { watchJob as watchStored } from '../core/store/changes.ts';
import type { Backends } from './backends.ts';
import { CLOSING_MS, mayBeClosing } from './closing.ts';
import type { Job } from './find-job.ts';
import { readJob } from './read-job.ts';
import { withWaiting } from './waiting.ts';

/** Changes closer together than this are shown as one. */
const SETTLE_MS = 100;
const RECONNECT_MS = 1000;
/** What a job waits for may change by the clock alone: that nothing moves is no change of its record. */
const LOOK_EVERY_MS = 2000;

/**
 * Yields a job's status now and after each change of it, until it has ended. Changes are pushed by MongoDB; the end of a
 * workflow that could not record it (terminated) comes from Temporal. Servers that go away are waited for.
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
    const handle = temporal.workflow.getHandle(job.workflow_id, undefined, { firstExecutionRunId: job.job_id });
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
      // What changed before the stream's beginning may have been missed.
      changes.raise();
      const close = () => void stream.close().catch(() => undefined);
      until.addEventListener('abort', close, { once: true });
      await drain(stream, changes.raise).catch(() => undefined);
      until.removeEventListener('abort', close);
      close();
      await pause(RECONNECT_MS);
    }
  };
  // The stream is not awaited at the end: closing it takes as long as the server's last answer to it, a second.
  const workflowEnded = followWorkflow();
  void followStore();

  // The record says all there is to say while the workflow runs; only its end may have to be read from Temporal.
  const read = async () => {
    const status = ended ? undefined : await readStatus(store, job.job_id);
    return status === undefined ? readJob(backends, job) : withWaiting(backends, status);
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
      if (status !== undefined && status.finished_at !== null) {
        // The record ends just before its workflow does. Only then can the next job of the dataset be started.
        if (shownBefore) await workflowEnded;
        // Seen for the first time, it may have ended long ago, and Temporal need not be asked for it.
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

/** Rates and times left change by the clock alone. */
const withoutRates = (phases: JobStatus['phases']) =>
  Object.values(phases).map(({ rate: _rate, seconds_left: _left, ...phase }) => phase);

/** A server that does not answer, rather than an answer that there is no such job. */
function isOutage(error: unknown): boolean {
  return error instanceof Error && /^Mongo|ServiceError/.test(error.name);
}

/** A fact that one side raises and the other awaits. */
function createFlag() {
  let { promise, resolve } = Promise.withResolvers<void>();
  return {
    raise: () => resolve(),
    lower: () => ({ promise, resolve } = Promise.withResolvers<void>()),
    raised: () => promise,
  };
}
