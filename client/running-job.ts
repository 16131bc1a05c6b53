import { setTimeout as delay } from 'node:timers/promises';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { JobKind } from '../contract/job.ts';
import { EMBED_WORKFLOW, KINDS, loadWorkflowId } from '../contract/names.ts';
import { endJob } from '../core/jobs/phases.ts';
import { handleOf, ifFound, isRunning, type Job, jobIdOf } from '../temporal/jobs.ts';
import type { Backends } from './backends.ts';
import type { StartMemo } from './find-started.ts';

/** The job that holds a Workflow ID. */
export interface RunningJob {
  job: Job;
  /** Undefined for a workflow that is not ours. */
  kind: JobKind | undefined;
  /** The workflow's type. */
  workflow: string;
  /** The mark of the start that began it. */
  startId: string | undefined;
}

/**
 * The job that a running workflow belongs to; undefined if it has ended meanwhile. An embedding that is a phase of a
 * load belongs to the load.
 */
export async function findRunning(
  temporal: Client,
  workflowId: string,
  dataset: string,
): Promise<RunningJob | undefined> {
  const found = await describeRunning(temporal, workflowId);
  if (found === undefined) return undefined;
  const parent = found.type === EMBED_WORKFLOW ? found.raw.workflowExecutionInfo?.parentExecution : undefined;
  const isPhase = parent?.workflowId === loadWorkflowId(dataset);
  const whole = (isPhase ? await describeRunning(temporal, loadWorkflowId(dataset)) : undefined) ?? found;
  return {
    job: { job_id: jobIdOf(whole), workflow_id: whole.workflowId, dataset },
    kind: KINDS[whole.type],
    workflow: whole.type,
    startId: (whole.memo as StartMemo | undefined)?.start_id,
  };
}

async function describeRunning(
  temporal: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  const found = await ifFound(temporal.workflow.getHandle(workflowId).describe());
  return found !== undefined && isRunning(found) ? found : undefined;
}

/** A worker that is there answers a cancel within milliseconds. */
const HEARD_WITHIN_MS = 30_000;
/** Counted from the worker's answer. An activity of a killed worker times out after 12 s without heartbeats. */
const ENDED_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 100;

/**
 * Ends a running job, and returns once it has ended. A cancellation keeps what the job did and records how far it came.
 * If no worker answers it in time, the job is terminated, and no webhook hears of its end.
 */
export async function endRunning(
  { temporal, store }: Backends,
  { job }: RunningJob,
  heardWithinMs = HEARD_WITHIN_MS,
): Promise<void> {
  const handle = handleOf(temporal, job);
  const canceled = await ifFound(handle.cancel());
  if (canceled === undefined || (await endsInTime(temporal, job, heardWithinMs))) return;
  const reason = 'Replaced by another job, and did not end when it was canceled.';
  const terminated = await ifFound(handle.terminate(reason));
  if (terminated === undefined) return;
  // A terminated workflow can't end its own record.
  await endJob(store, job.job_id, 'canceled', {
    code: 'Replaced',
    message:
      'Another job took its place. It did not end when it was canceled, and was terminated. What was done is kept.',
  });
}

async function endsInTime(temporal: Client, job: Job, heardWithinMs: number): Promise<boolean> {
  const asked = performance.now();
  let heard = false;
  for (;;) {
    const latest = await describeRunning(temporal, job.workflow_id);
    if (latest === undefined || jobIdOf(latest) !== job.job_id) return true;
    // The workflow task that holds the cancel is pending until a worker has answered it.
    heard ||= latest.raw.pendingWorkflowTask == null;
    if (performance.now() - asked > (heard ? ENDED_WITHIN_MS : heardWithinMs)) return false;
    await delay(LOOK_EVERY_MS);
  }
}
