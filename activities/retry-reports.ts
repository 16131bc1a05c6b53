import { ApplicationFailure, Context } from '@temporalio/activity';
import { ensureApplicationFailure } from '@temporalio/common';
import type { RetryingStatus } from '../contract/job.ts';
import { RETRYING_SIGNAL } from '../contract/names.ts';
import type { RetryReport } from '../contract/retry-report.ts';
import { createPermits } from '../core/concurrency/permits.ts';
import { clearRetrying, noteRetrying, type RetriedActivity } from '../core/store/retried-activities.ts';
import type { Store } from '../core/store/store.ts';
import { findJobRuns, findPendingActivity, type JobRun, type PendingActivity } from '../temporal/pending-activity.ts';

type Activity = (...args: never[]) => Promise<unknown>;

/** A report that takes longer is given up: it must not hold up its activity. */
const REPORT_MS = 2000;
const LONGEST_MESSAGE = 1000;
/** A report that could not be taken back is tried again after a second, then ever later: for a quarter of an hour in all. */
const TAKE_BACK_MS = 1000;
const TAKE_BACK_TRIES = 10;
/**
 * An attempt that has run for a minute for each one before it, ten at most, is no longer shown. It may go on for hours
 * where a dead worker stopped. Later attempts are doubted longer: if each fails after minutes, they stay shown, and their
 * workflow is not told of each.
 */
const DOUBT_MS = 60_000;
const MOST_DOUBTS = 10;
/**
 * Events after which a run's history takes no more reports: thousands of chunks may be retried in one run. Temporal ends
 * a run at 50,000. Reports that stand by then are still taken back.
 */
const LONGEST_HISTORY = 10_000;
const LONGEST_HISTORY_TAKING_BACK = 11_000;

/**
 * Wraps activities so that a job's status tells which of them is retried, since when and why. Temporal retries without
 * a word, so an activity that fails for days would look like one that is slow.
 *
 * An attempt reports its failure before Temporal makes the next one. The next one reports what an attempt can't say
 * itself: that its worker died or was stopped. A report goes to the job's record, which outlives Temporal's retention,
 * and to its workflow, which answers while MongoDB is what fails.
 *
 * A first attempt that goes well asks nobody anything. No failure of a report reaches its activity.
 */
export function withRetryReports<T extends Record<string, Activity>>(store: Store, activities: T): T {
  const wrapped = Object.entries(activities).map(([name, activity]) => [name, reportingRetries(store, activity)]);
  return Object.fromEntries(wrapped) as T;
}

function reportingRetries(store: Store, activity: Activity): Activity {
  return async function runActivity(...args) {
    const attempt = followAttempt(store, Context.current());
    try {
      const result = await activity(...args);
      await attempt.ended();
      return result;
    } catch (error) {
      await attempt.failed(error);
      throw error;
    }
  };
}

/** Reports one attempt of an activity. The methods resolve once the report is made or given up. */
interface Attempt {
  ended(): Promise<void>;
  failed(error: unknown): Promise<void>;
}

function followAttempt(store: Store, context: Context): Attempt {
  const { info, log, cancellationSignal } = context;
  const { activityId, activityType, attempt } = info;
  const run = info.workflowExecution ?? { workflowId: '', runId: '' };
  const key = `${run.runId}-${activityId}`;
  /** Undefined until Temporal has told it. */
  let jobs: JobRun[] | undefined;
  let since: Date | undefined;
  /** Whether the workflow shows a report of this activity. */
  let shown = attempt > 1;
  let last = Promise.resolve(true);

  /** Makes reports one after another, so that none overtakes an earlier one. Returns whether it was made. */
  const inOrder = (report: (deadlineMs: number) => Promise<void>): Promise<boolean> => {
    last = last
      .then(() => report(Date.now() + REPORT_MS))
      .then(
        () => true,
        (error: unknown) => {
          log.debug('A retry could not be reported', { error });
          return false;
        },
      );
    return last;
  };

  /** This attempt as Temporal knows it; undefined if Temporal has given it up for another one. */
  const lookUp = async (deadlineMs: number): Promise<PendingActivity | undefined> => {
    const pending = await inTurn(deadlineMs, () =>
      context.client.withDeadline(deadlineMs, () => findPendingActivity(context.client, run, activityId)),
    );
    if (pending?.attempt !== attempt) return undefined;
    jobs = pending.jobs;
    return pending;
  };

  const tellWorkflows = (deadlineMs: number, retrying: RetryingStatus | null) => {
    const report: RetryReport = { key, retrying };
    const longest = retrying === null ? LONGEST_HISTORY_TAKING_BACK : LONGEST_HISTORY;
    const runs = (jobs ?? []).filter(({ history_length }) => history_length < longest);
    return runs.map(({ workflow_id, run_id }) =>
      context.client.withDeadline(deadlineMs, () =>
        context.client.workflow.getHandle(workflow_id, run_id).signal(RETRYING_SIGNAL, report),
      ),
    );
  };

  /** The activity in the record of its job, the topmost one; nothing before Temporal has told the job. */
  const inRecord = (deadlineMs: number): RetriedActivity[] =>
    (jobs ?? [])
      .slice(-1)
      .map(({ job_id }) => ({ jobId: job_id, key, timeoutMS: Math.max(1, deadlineMs - Date.now()) }));

  const tell = async (
    deadlineMs: number,
    next: { attempt: number; error: RetryingStatus['error']; signals: boolean },
  ) => {
    const begun = since ?? new Date();
    const error = { ...next.error, message: next.error.message.slice(0, LONGEST_MESSAGE) };
    const retrying = { activity: activityType, attempt: next.attempt, error };
    const record = async (retried: RetriedActivity) => {
      since = (await noteRetrying(store, retried, { ...retrying, since: begun })) ?? begun;
    };
    since = begun;
    shown ||= next.signals;
    const signals = next.signals ? tellWorkflows(deadlineMs, { ...retrying, since: begun.toISOString() }) : [];
    await allDone([...inRecord(deadlineMs).map(record), ...signals]);
  };

  /** Takes the activity's report back. If that fails, it goes on in the background: nobody else would do it. */
  const clear = async (tries = 0): Promise<void> => {
    const isDone = await inOrder(async (deadlineMs) => {
      jobs ??= await inTurn(deadlineMs, () =>
        context.client.withDeadline(deadlineMs, () => findJobRuns(context.client, run)),
      );
      if (jobs === undefined) throw new Error('Other reports took all of the time.');
      shown = false;
      const cleared = inRecord(deadlineMs).map((retried) => clearRetrying(store, retried));
      await allDone([...cleared, ...tellWorkflows(deadlineMs, null)]);
    });
    if (isDone || tries === TAKE_BACK_TRIES) return;
    setTimeout(() => clear(tries + 1), TAKE_BACK_MS * 2 ** tries).unref();
  };

  let trust: NodeJS.Timeout | undefined;
  if (attempt > 1) {
    void inOrder(async (deadlineMs) => {
      const failure = (await lookUp(deadlineMs))?.lastFailure;
      if (failure === undefined) return;
      since = failure.at;
      await tell(deadlineMs, { attempt, error: failure.error, signals: !failure.byItself && isSignaled(attempt) });
    });
    trust = setTimeout(() => clear(), Math.min(attempt - 1, MOST_DOUBTS) * DOUBT_MS);
    trust.unref();
  }

  /** Whether Temporal has given this attempt up: its worker stops, or its time is over. The next attempt reports that. */
  const isGivenUp = () => cancellationSignal.aborted && context.cancellationDetails?.cancelRequested !== true;

  const ended = async () => {
    clearTimeout(trust);
    await last;
    if (shown && !isGivenUp()) await clear();
  };

  return {
    ended,
    async failed(error) {
      clearTimeout(trust);
      const isFinal = error instanceof ApplicationFailure && error.nonRetryable === true;
      if (isFinal || cancellationSignal.aborted) return ended();
      let canceled = false;
      await inOrder(async (deadlineMs) => {
        const pending = await lookUp(deadlineMs);
        canceled = pending?.cancelRequested === true;
        if (pending === undefined || canceled) return;
        const { type, message } = ensureApplicationFailure(error);
        const next = attempt + 1;
        const signals = isSignaled(next) || !shown;
        await tell(deadlineMs, { attempt: next, error: { code: type ?? 'Unexpected', message }, signals });
      });
      if (canceled) await ended();
    },
  };
}

/**
 * Whether the workflow is told of an attempt: of the first retries, and then ever more rarely. Each report adds to its
 * history, and attempts are unlimited.
 */
const isSignaled = (attempt: number) => attempt <= 4 || Number.isInteger(Math.log2(attempt));

const turns = createPermits(1);

/**
 * Asks Temporal one question at a time in this process, so that thousands of retried attempts are no load. A question
 * whose time is over is not asked. Each ends by its own deadline, so none waits beyond its own for those before it.
 */
async function inTurn<T>(deadlineMs: number, ask: () => Promise<T>): Promise<T | undefined> {
  const giveBack = await turns.take(1);
  try {
    return Date.now() < deadlineMs ? await ask() : undefined;
  } finally {
    giveBack();
  }
}

/** Awaits all of them, and throws the first failure. */
async function allDone(works: Promise<unknown>[]): Promise<void> {
  for (const done of await Promise.allSettled(works)) if (done.status === 'rejected') throw done.reason;
}
