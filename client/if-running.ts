import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { JobKind } from '../contract/job.ts';
import { EMBED_WORKFLOW, KINDS, LOAD_WORKFLOW, loadWorkflowId } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import type { Job } from './find-job.ts';

/** What a second start does: it fails, returns the job that runs, or ends that one and takes its place. */
export const IF_RUNNING = ['fail', 'attach', 'replace'] as const;
export type IfRunning = (typeof IF_RUNNING)[number];

/** There is one running load of a dataset, and one running embedding of it by a model, at a time. */
export class AlreadyRunningError extends UserError {
  /** The job that runs. */
  readonly job: Job;
  /** What it does; undefined for a workflow that is none of ours. */
  readonly kind: JobKind | undefined;

  /** What `ifRunning` could be instead, for this to succeed. */
  readonly choices: readonly IfRunning[];

  constructor({ job, kind, workflow }: RunningJob, choices: readonly IfRunning[], advice?: string) {
    const what = WORDS[kind ?? 'load'](job.dataset, workflow);
    super(
      'AlreadyRunning',
      `${what} is running already: job ${job.job_id}.${advice === undefined ? '' : ` ${advice}`}`,
    );
    this.job = job;
    this.kind = kind;
    this.choices = choices;
  }
}

const WORDS: Record<JobKind, (dataset: string, workflow: string) => string> = {
  load: (dataset, workflow) =>
    workflow === LOAD_WORKFLOW ? `A load of ${dataset}` : `A workflow ${workflow} of ${dataset}`,
  embed: (dataset) => `An embedding of ${dataset} with this model`,
  retry: (dataset) => `A retry of what failed in ${dataset}`,
  prune: (dataset) => `A prune of ${dataset}`,
  delete: (dataset) => `The deletion of ${dataset}`,
};

/** The job that holds a Workflow ID. */
export interface RunningJob {
  job: Job;
  kind: JobKind | undefined;
  /** The workflow's type. */
  workflow: string;
}

/**
 * The job that a running workflow belongs to; undefined where it has ended meanwhile. An embedding that is a phase of a load
 * is that load's job.
 */
export async function runningJob(
  temporal: Client,
  workflowId: string,
  dataset: string,
): Promise<RunningJob | undefined> {
  const found = await describeRunning(temporal, workflowId);
  if (found === undefined) return undefined;
  const parent = found.type === EMBED_WORKFLOW ? found.raw.workflowExecutionInfo?.parentExecution : undefined;
  const isPhase = parent?.workflowId === loadWorkflowId(dataset);
  const whole = isPhase ? await describeRunning(temporal, loadWorkflowId(dataset)) : undefined;
  return asJob(whole ?? found, dataset);
}

async function describeRunning(
  temporal: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    const found = await temporal.workflow.getHandle(workflowId).describe();
    return isRunning(found) ? found : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

export const isRunning = ({ status }: WorkflowExecutionDescription): boolean =>
  status.name === 'RUNNING' || status.name === 'PAUSED';

function asJob({ type, workflowId, runId, raw }: WorkflowExecutionDescription, dataset: string): RunningJob {
  const job_id = raw.workflowExecutionInfo?.firstRunId || runId;
  return { job: { job_id, workflow_id: workflowId, dataset }, kind: KINDS[type], workflow: type };
}
