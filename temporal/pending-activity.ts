import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { RecordedError } from '../contract/job.ts';
import { KINDS } from '../contract/names.ts';
import { ifFound, jobIdOf } from './jobs.ts';

type RawPendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];
type RawFailure = NonNullable<RawPendingActivity['lastFailure']>;

/** A run of a job's workflow. */
export interface JobRun {
  job_id: string;
  workflow_id: string;
  run_id: string;
  /** Events in its history. */
  history_length: number;
}

/** An activity that has not ended, as Temporal knows it. */
export interface PendingActivity {
  /** The attempt that runs or comes next. */
  attempt: number;
  /** Whether its workflow has asked it to stop, after which there is no further attempt. */
  cancelRequested: boolean;
  /** How the attempt before ended; undefined for the first one. */
  lastFailure: AttemptFailure | undefined;
  /** The runs of the jobs that it works for, the nearest first: an embedding, and the load that it is a phase of. */
  jobs: JobRun[];
}

/** The end of an attempt. */
export interface AttemptFailure {
  error: RecordedError;
  /** Undefined if Temporal does not tell. */
  at: Date | undefined;
  /** Whether the attempt ended by itself, so that its worker knew of its failure. */
  byItself: boolean;
}

/** The activities of a workflow's run that have not ended, and when the next attempt of each is due. */
export async function pendingActivitiesOf(
  temporal: Client,
  { workflowId, runId }: { workflowId: string; runId: string },
): Promise<(Pick<PendingActivity, 'attempt' | 'lastFailure'> & { nextAttemptAt: Date | undefined })[]> {
  const { raw } = await temporal.workflow.getHandle(workflowId, runId).describe();
  return (raw.pendingActivities ?? []).map((activity) => ({
    attempt: activity.attempt ?? 1,
    lastFailure: failureOf(activity),
    nextAttemptAt: activity.nextAttemptScheduleTime ? new Date(msOf(activity.nextAttemptScheduleTime)) : undefined,
  }));
}

/** Asks Temporal about an activity of a workflow's run. Undefined if it has ended. */
export async function findPendingActivity(
  temporal: Client,
  { workflowId, runId }: { workflowId: string; runId: string },
  activityId: string,
): Promise<PendingActivity | undefined> {
  const workflow = await ifFound(temporal.workflow.getHandle(workflowId, runId).describe());
  const activity = workflow?.raw.pendingActivities?.find((pending) => pending.activityId === activityId);
  if (workflow === undefined || activity === undefined) return undefined;
  return {
    attempt: activity.attempt ?? 1,
    cancelRequested: activity.state === CANCEL_REQUESTED,
    lastFailure: failureOf(activity),
    jobs: await jobsOf(temporal, workflow),
  };
}

/** The runs of the jobs that a workflow's run works for, the nearest first. None if Temporal no longer knows it. */
export async function findJobRuns(
  temporal: Client,
  { workflowId, runId }: { workflowId: string; runId: string },
): Promise<JobRun[]> {
  const workflow = await ifFound(temporal.workflow.getHandle(workflowId, runId).describe());
  return workflow === undefined ? [] : jobsOf(temporal, workflow);
}

/** PENDING_ACTIVITY_STATE_CANCEL_REQUESTED */
const CANCEL_REQUESTED = 3;

/** The jobs among a workflow and those above it. A workflow of the caller's above a job ends the search. */
async function jobsOf(
  temporal: Client,
  workflow: WorkflowExecutionDescription,
  below: readonly JobRun[] = [],
): Promise<JobRun[]> {
  const { type, workflowId, runId, parentExecution, historyLength } = workflow;
  const isJob = KINDS[type] !== undefined;
  if (!isJob && below.length > 0) return [...below];
  const run = { job_id: jobIdOf(workflow), workflow_id: workflowId, run_id: runId, history_length: historyLength };
  const jobs = isJob ? [...below, run] : [...below];
  if (!parentExecution?.workflowId) return jobs;
  const handle = temporal.workflow.getHandle(parentExecution.workflowId, parentExecution.runId ?? undefined);
  const parent = await ifFound(handle.describe());
  return parent === undefined ? jobs : jobsOf(temporal, parent, jobs);
}

function failureOf({ lastFailure, lastAttemptCompleteTime }: RawPendingActivity): AttemptFailure | undefined {
  if (!lastFailure) return undefined;
  const { applicationFailureInfo } = lastFailure;
  return {
    error: errorOf(lastFailure),
    at: lastAttemptCompleteTime ? new Date(msOf(lastAttemptCompleteTime)) : undefined,
    byItself: !!applicationFailureInfo && applicationFailureInfo.type !== WORKER_SHUTDOWN,
  };
}

const msOf = ({ seconds, nanos }: NonNullable<RawPendingActivity['lastAttemptCompleteTime']>) =>
  Number(seconds ?? 0) * 1000 + Math.floor((nanos ?? 0) / 1e6);

/** The type of the failure that the SDK gives an attempt whose worker is shut down. */
const WORKER_SHUTDOWN = 'WorkerShutdown';

function errorOf({ message, applicationFailureInfo, timeoutFailureInfo }: RawFailure): RecordedError {
  if (timeoutFailureInfo) {
    const missed = timeoutFailureInfo.timeoutType === HEARTBEAT;
    return {
      code: 'TimedOut',
      message: missed
        ? 'The attempt sent no heartbeat in time: its worker may have died.'
        : 'The attempt did not end in time: its worker may have died.',
    };
  }
  return { code: applicationFailureInfo?.type || 'Unexpected', message: message ?? '' };
}

/** TIMEOUT_TYPE_HEARTBEAT */
const HEARTBEAT = 4;
