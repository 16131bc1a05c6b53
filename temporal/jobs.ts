import {
  type Client,
  ScheduleNotFoundError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';

/** The names of a job. */
export interface Job {
  /** Temporal's first execution run ID. */
  job_id: string;
  workflow_id: string;
  dataset: string;
}

/** A job's workflow, and no other that takes its Workflow ID later. */
export function handleOf(
  temporal: Client,
  { job_id, workflow_id }: Pick<Job, 'job_id' | 'workflow_id'>,
): WorkflowHandle {
  return temporal.workflow.getHandle(workflow_id, undefined, { firstExecutionRunId: job_id });
}

/** The ID of the job that a run belongs to. A job has several runs when it continues as new. */
export function jobIdOf({ raw, runId }: WorkflowExecutionDescription): string {
  return raw.workflowExecutionInfo?.firstRunId || runId;
}

/** Whether a workflow is not over. Temporal reports one that was paused with its own tools as PAUSED. */
export function isRunning({ status }: Pick<WorkflowExecutionDescription, 'status'>): boolean {
  return status.name === 'RUNNING' || status.name === 'PAUSED';
}

/**
 * Returns a call's result; undefined if Temporal does not know the workflow or the schedule. Temporal answers a cancel
 * or a
 * termination in the same way when the workflow is already over.
 */
export async function ifFound<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

/** How many questions Temporal is asked at a time. */
const ASKED_AT_ONCE = 16;

/** Asks Temporal about many things, in order and some at a time. */
export async function askAll<T, R>(things: readonly T[], ask: (thing: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let at = 0; at < things.length; at += ASKED_AT_ONCE) {
    answers.push(...(await Promise.all(things.slice(at, at + ASKED_AT_ONCE).map(ask))));
  }
  return answers;
}
