import { Context } from '@temporalio/activity';
import type { JobKind } from '../contract/job.ts';
import { recordJob, recordQueued } from '../core/jobs/begin.ts';
import { beginRun, goOnWithRun, requireOpenJob } from '../core/jobs/runs.ts';
import { jobEnded } from '../core/store/job-errors.ts';
import type { Store } from '../core/store/store.ts';

/** The input of an activity that begins a job. */
export interface BeginInput<Request> {
  job_id: string;
  workflow_id: string;
  request: Request;
  /** True if an earlier run began the job. Its options were accepted then and are not checked again. */
  continued: boolean;
}

/**
 * Records a job as running in the run of its workflow that calls this activity. A job that was reset begins again.
 *
 * @throws UserError Superseded
 */
export async function recordRun(
  store: Store,
  { kind, dataset, embeds }: { kind: JobKind; dataset: string; embeds: boolean },
  { job_id: jobId, workflow_id: workflowId, request, continued }: BeginInput<object>,
): Promise<void> {
  const record = { jobId, workflowId, kind, datasetId: dataset, request: { ...request }, embeds };
  const run = { jobId, kind, embeds, runId: runOfActivity().runId, continued };
  await recordQueued(store, record);
  if (!(await beginRun(store, run))) {
    // An attempt of the run before a reset must not take the job back.
    if (!(await isCurrentRun())) throw jobEnded(jobId);
    await beginRun(store, { ...run, takesOver: true });
  }
  await recordJob(store, record);
}

/**
 * Requires that the run that calls this activity is the one that works on the job. A run that was reset to a point
 * within its work takes over from the run before it. Returns its ID.
 *
 * @throws UserError Superseded
 */
export async function requireRun(store: Store, jobId: string): Promise<string> {
  const { runId } = runOfActivity();
  if (await goOnWithRun(store, jobId, runId)) return runId;
  if (!(await isCurrentRun())) throw jobEnded(jobId);
  await goOnWithRun(store, jobId, runId, { takesOver: true });
  return runId;
}

/** Whether Temporal says that the run that calls this activity is its workflow's current one. */
export async function isCurrentRun(): Promise<boolean> {
  const { workflowId, runId } = runOfActivity();
  return (await Context.current().client.workflow.getHandle(workflowId).describe()).runId === runId;
}

type Activity<Input> = (input: Input) => Promise<unknown>;

/** Wraps activities so that they refuse work for a job that has ended: its workflow was reset. */
export function ofOpenJobs<T extends Record<string, Activity<never>>>(store: Store, activities: T): T {
  const wrapped = Object.entries(activities).map(([name, activity]) => {
    const run = async (input: { job_id: string }) => {
      await requireOpenJob(store, input.job_id);
      return (activity as Activity<unknown>)(input);
    };
    return [name, run] as const;
  });
  return Object.fromEntries(wrapped) as unknown as T;
}

/** The run of the workflow that asked for this activity. */
export function runOfActivity(): { workflowId: string; runId: string } {
  const { workflowExecution } = Context.current().info;
  if (workflowExecution === undefined) throw new Error('This activity is a part of a job: only its workflow can ask.');
  return workflowExecution;
}
