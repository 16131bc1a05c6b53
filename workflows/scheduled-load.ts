import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild, upsertMemo } from '@temporalio/workflow';
import { type ScheduledLoadRequest, scheduledLoadInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { loadWorkflowId } from '../contract/names.ts';
import { priorityOf } from '../contract/priority.ts';
import { toFailure } from './failures.ts';
import type { loadDataset } from './load-dataset.ts';
import { parseStart } from './parse-input.ts';
import { repeatCancel } from './repeat-cancel.ts';

export interface ScheduledLoadResult {
  /** True if another job of the dataset was running, so that this run of the schedule loaded nothing. */
  skipped: boolean;
  /** The final status of the load; null if it was skipped. */
  load: JobStatus | null;
  message: string;
}

/** The memo of a schedule's run, for clients that list schedules. */
export type ScheduledLoadMemo = { skipped: boolean; job_id: string | null };

/**
 * Starts a load for a schedule. A schedule gives each run its own Workflow ID, but a load needs the fixed ID of its
 * dataset. This workflow waits for the load, so that the schedule's next run is not due before it has ended. The load
 * outlives this workflow.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under scheduledLoad.
 */
export async function scheduledLoad(request: ScheduledLoadRequest): Promise<ScheduledLoadResult> {
  const { load: input } = parseStart(scheduledLoadInput, request);
  try {
    const load = await startChild<typeof loadDataset>('loadDataset', {
      workflowId: loadWorkflowId(input.dataset),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [input],
      priority: priorityOf(input),
      staticSummary: `Load ${input.source} into ${input.dataset}`.slice(0, 200),
    });
    const canceled = repeatCancel(load);
    if (canceled !== undefined) await canceled;
    upsertMemo({ skipped: false, job_id: load.firstExecutionRunId } satisfies ScheduledLoadMemo);
    const status = await load.result();
    return { skipped: false, load: status, message: `Loaded ${input.source} into ${input.dataset}.` };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw toFailure(error);
    upsertMemo({ skipped: true, job_id: null } satisfies ScheduledLoadMemo);
    const message = `A job of ${input.dataset} was running already. The next run of the schedule loads what changed.`;
    return { skipped: true, load: null, message };
  }
}
