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

/** The state that the operations of a job share. */
interface Operating {
  closed: boolean;
  reason?: string;
  /** The operation that began last. */
  last: Promise<unknown>;
}

function requireRunning({ jobId }: JobTracker, { closed }: Operating): void {
  if (closed) throw failureOf('JobEnded', `Job ${jobId} is about to end.`);
}

/** Runs operations one at a time, each to its end. A resume that overtook a pause would leave a wrong record. */
function inTurn<T>(operating: Operating, work: () => Promise<T>): Promise<T> {
  const turn = operating.last.then(() => CancellationScope.nonCancellable(work));
  operating.last = turn.catch(() => undefined);
  return turn;
}

/** Lets people cancel a job. */
export function acceptCancel(
  job: JobTracker,
  operating: Operating = { closed: false, last: Promise.resolve() },
): Operations {
  setHandler(
    cancelUpdate,
    (request?: CancelRequest) => {
      if (request?.reason !== undefined) operating.reason = request.reason;
      const { workflowId, runId } = workflowInfo();
      return inTurn(operating, async () => {
        await requestCancel({ workflow_id: workflowId, run_id: runId });
        return job.status();
      });
    },
    {
      description:
        'Cancels the job, which keeps its results. Takes {"reason": "…"} or nothing. Answers with the status.',
      validator(request?: CancelRequest) {
        requireRunning(job, operating);
        parseInput(cancelInput, request ?? {});
      },
    },
  );
  return {
    recorded: () => undefined,
    cancelReason: () => operating.reason,
    async close() {
      operating.closed = true;
      await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    },
  };
}

/**
 * Lets people pause, resume and cancel a job.
 *
 * @param onPaused tells a child workflow, which pauses and resumes with the job
 */
export function acceptOperations(job: JobTracker, onPaused: (paused: boolean) => Promise<void>): Operations {
  const operating: Operating = { closed: false, last: Promise.resolve() };
  let isRecorded = false;
  let lastChange = 0;

  const change = (paused: boolean) =>
    inTurn(operating, async () => {
      if (job.isPaused() === paused) return job.status();
      // Strictly later than the previous change, because the record tells late writes from new ones by this time.
      const at = new Date(Math.max(Date.now(), lastChange + 1));
      lastChange = at.getTime();
      if (paused) job.pause(at);
      else job.resume(at);
      await onPaused(paused);
      await condition(() => isRecorded || operating.closed);
      if (isRecorded) await notePaused({ job_id: job.jobId, paused, at: at.toISOString() });
      return job.status();
    });

  setHandler(pauseUpdate, () => change(true), {
    description:
      'Stops the job until it is resumed. It keeps its results and holds no worker. Answers with the status.',
    validator: () => requireRunning(job, operating),
  });
  setHandler(resumeUpdate, () => change(false), {
    description: 'Goes on with a paused job where it stopped. Answers with the status.',
    validator() {
      requireRunning(job, operating);
      if (!job.isPaused()) throw failureOf('NotPaused', `Job ${job.jobId} is not paused: there is nothing to resume.`);
    },
  });
  return {
    ...acceptCancel(job, operating),
    recorded() {
      isRecorded = true;
    },
  };
}
