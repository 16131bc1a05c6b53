import { WorkflowNotFoundError } from '@temporalio/client';
import { UserError } from '../core/errors.ts';
import { endLoad } from '../core/loads/phases.ts';
import { readStatus } from '../core/loads/read-status.ts';
import type { LoadStatus } from '../core/loads/status.ts';
import { STATUS_QUERY } from '../workflows/contract.ts';
import type { Job } from './find-job.ts';
import type { Backends } from './plimsoll-client.ts';

/**
 * A job's status: its record, which outlives Temporal's retention, or the workflow's own answer before it has one.
 *
 * @throws UserError JobNotFound
 */
export async function readJob(backends: Backends, job: Job): Promise<LoadStatus> {
  const status = await readStatus(backends.store, job.job_id);
  if (status === undefined) return askWorkflow(backends, job);
  if (status.finished_at !== null) return status;
  return (await settle(backends, job)) ? ((await readStatus(backends.store, job.job_id)) ?? status) : status;
}

async function askWorkflow({ temporal }: Backends, { workflow_id, job_id }: Job): Promise<LoadStatus> {
  const handle = temporal.workflow.getHandle(workflow_id, undefined, { firstExecutionRunId: job_id });
  try {
    return await handle.query<LoadStatus>(STATUS_QUERY);
  } catch (error) {
    throw new UserError('JobNotFound', `Job ${job_id} has no record, and its workflow does not answer.`, {
      cause: error,
    });
  }
}

/**
 * Ends the record of a job whose workflow was terminated or timed out, and so could not do it itself. Returns whether the
 * workflow has ended.
 */
export async function settle({ temporal, store }: Backends, { workflow_id, job_id }: Job): Promise<boolean> {
  const end = await workflowEnd(temporal, workflow_id, job_id);
  if (end === undefined) return false;
  if (end === 'TERMINATED' || end === 'TIMED_OUT') {
    const [code, message] =
      end === 'TERMINATED'
        ? ['Terminated', 'The workflow was terminated on Temporal. What was done is kept; load again to go on.']
        : ['TimedOut', 'The workflow ran into its time limit on Temporal. What was done is kept; load again to go on.'];
    await endLoad(store, job_id, 'failed', { code, message });
  }
  return true;
}

/** How the workflow ended; undefined while it runs, or when Temporal does not know it. */
async function workflowEnd(
  temporal: Backends['temporal'],
  workflowId: string,
  jobId: string,
): Promise<string | undefined> {
  try {
    const latest = await temporal.workflow.getHandle(workflowId).describe();
    const described =
      latest.raw.workflowExecutionInfo?.firstRunId === jobId
        ? latest
        : await temporal.workflow.getHandle(workflowId, jobId).describe();
    const { name } = described.status;
    return name === 'RUNNING' || name === 'PAUSED' ? undefined : name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
