import {
  allHandlersFinished,
  CancellationScope,
  condition,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { JobActivities } from '../activities/jobs.ts';
import { type CancelRequest, cancelInput } from '../contract/inputs.ts';
import { shortWork } from './activity-options.ts';
import { failureOf } from './failures.ts';
import type { JobTracker } from './job-tracker.ts';
import { cancelUpdate, pauseUpdate, resumeUpdate } from './messages.ts';
import { parseInput } from './parse-input.ts';

const { notePaused, requestCancel } = proxyActivities<JobActivities>(shortWork);

/** Handles the operations of one job. */
export interface Operations {
  /** Says that the job has a record now, so that a pause can be noted in it. */
  recorded(): void;
  /** The reason that the person who canceled the job gave, if any. */
  cancelReason(): string | undefined;
  /** Refuses further operations and waits for those under way: a workflow must answer its updates before it ends. */
  close(): Promise<void>;
}

/**
 * Lets people pause, resume and cancel a job.
 *
 * @param onPaused tells a child workflow, which pauses and resumes with the job
 */
export function acceptOperations(job: JobTracker, onPaused: (paused: boolean) => Promise<void>): Operations {
  let isRecorded = false;
  let closed = false;
  let reason: string | undefined;
  let lastChange = 0;
  let last: Promise<unknown> = Promise.resolve();

  /** Runs operations one at a time, each to its end. A resume that overtook a pause would leave a wrong record. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(() => CancellationScope.nonCancellable(work));
    last = turn.catch(() => undefined);
    return turn;
  };
  const requireRunning = () => {
    if (closed) throw failureOf('JobEnded', `Job ${job.jobId} is about to end.`);
  };
  const change = (paused: boolean) =>
    inTurn(async () => {
      if (job.isPaused() === paused) return job.status();
      // Strictly later than the previous change, because the record tells late writes from new ones by this time.
      const at = new Date(Math.max(Date.now(), lastChange + 1));
      lastChange = at.getTime();
      if (paused) job.pause(at);
      else job.resume(at);
      await onPaused(paused);
      await condition(() => isRecorded || closed);
      if (isRecorded) await notePaused({ job_id: job.jobId, paused, at: at.toISOString() });
      return job.status();
    });

  setHandler(pauseUpdate, () => change(true), { validator: requireRunning });
  setHandler(resumeUpdate, () => change(false), {
    validator() {
      requireRunning();
      if (!job.isPaused()) throw failureOf('NotPaused', `Job ${job.jobId} is not paused: there is nothing to resume.`);
    },
  });
  setHandler(
    cancelUpdate,
    (request?: CancelRequest) => {
      reason = request?.reason ?? reason;
      const { workflowId, runId } = workflowInfo();
      return inTurn(async () => {
        await requestCancel({ workflow_id: workflowId, run_id: runId });
        return job.status();
      });
    },
    {
      validator(request?: CancelRequest) {
        requireRunning();
        parseInput(cancelInput, request ?? {});
      },
    },
  );

  return {
    recorded() {
      isRecorded = true;
    },
    cancelReason: () => reason,
    async close() {
      closed = true;
      await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    },
  };
}
