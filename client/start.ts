import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { z } from 'zod';
import { UserError } from '../core/errors.ts';
import { recordQueued } from '../core/loads/begin.ts';
import type { LoadKind } from '../core/store/documents.ts';
import {
  DELETE_WORKFLOW,
  EMBED_WORKFLOW,
  type EmbedDatasetRequest,
  embedDatasetInput,
  embedWorkflowId,
  INDEX_TASK_QUEUE,
  LOAD_WORKFLOW,
  type LoadDatasetRequest,
  loadDatasetInput,
  loadWorkflowId,
  PRUNE_WORKFLOW,
  RETRY_WORKFLOW,
} from '../workflows/contract.ts';
import type { Backends } from './backends.ts';
import type { Job } from './find-job.ts';

/** @throws UserError InvalidInput, AlreadyRunningError */
export async function startLoad(backends: Backends, request: LoadDatasetRequest): Promise<Job> {
  const input = parseRequest(loadDatasetInput, request);
  return startJob(backends, {
    kind: 'load',
    workflow: LOAD_WORKFLOW,
    workflowId: loadWorkflowId(input.dataset),
    dataset: input.dataset,
    input,
    embeds: input.embed,
    summary: `Load ${input.source} into ${input.dataset}`,
  });
}

export async function startEmbedding(backends: Backends, request: EmbedDatasetRequest): Promise<Job> {
  const input = parseRequest(embedDatasetInput, request);
  const known = await backends.store.datasets.countDocuments({ _id: input.dataset }, { limit: 1 });
  if (known === 0) {
    throw new UserError(
      'DatasetNotFound',
      `There is no dataset "${input.dataset}". Load it first: plimsoll load FOLDER --dataset ${input.dataset}`,
    );
  }
  return startJob(backends, {
    kind: 'embed',
    workflow: EMBED_WORKFLOW,
    workflowId: embedWorkflowId(input.dataset, input.model),
    dataset: input.dataset,
    input,
    embeds: true,
    summary: `Embed ${input.dataset} with ${input.model}`,
  });
}

/** There is one running load of a dataset, and one running embedding of it by a model, at a time. */
export class AlreadyRunningError extends UserError {
  /** The job that runs. */
  readonly job: Job;

  constructor(what: string, job: Job) {
    super('AlreadyRunning', `${what} is running already: job ${job.job_id}. Wait for it: plimsoll wait ${job.job_id}`);
    this.job = job;
  }
}

export interface Start {
  kind: LoadKind;
  workflow: string;
  workflowId: string;
  dataset: string;
  input: Record<string, unknown>;
  embeds: boolean;
  summary: string;
}

export async function startJob({ temporal, store, taskQueue = INDEX_TASK_QUEUE }: Backends, job: Start): Promise<Job> {
  const { workflowId, dataset } = job;
  try {
    const { firstExecutionRunId } = await temporal.workflow.start(job.workflow, {
      taskQueue,
      workflowId,
      args: [job.input],
      staticSummary: job.summary.slice(0, 200),
    });
    await recordQueued(store, {
      loadId: firstExecutionRunId,
      workflowId,
      kind: job.kind,
      datasetId: dataset,
      request: job.input,
      embeds: job.embeds,
    });
    return { job_id: firstExecutionRunId, workflow_id: workflowId, dataset };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const { raw } = await temporal.workflow.getHandle(workflowId).describe();
    const running = raw.workflowExecutionInfo;
    throw new AlreadyRunningError(whatRuns(running?.type?.name ?? job.workflow, dataset), {
      job_id: running?.firstRunId ?? '',
      workflow_id: workflowId,
      dataset,
    });
  }
}

function whatRuns(workflow: string, dataset: string): string {
  switch (workflow) {
    case EMBED_WORKFLOW:
      return `An embedding of ${dataset} with this model`;
    case RETRY_WORKFLOW:
      return `A retry of what failed in ${dataset}`;
    case PRUNE_WORKFLOW:
      return `A prune of ${dataset}`;
    case DELETE_WORKFLOW:
      return `The deletion of ${dataset}`;
    default:
      return `A load of ${dataset}`;
  }
}

/** @throws UserError InvalidInput naming each field that is wrong */
export function parseRequest<T extends z.ZodType>(schema: T, request: unknown): z.output<T> {
  const parsed = schema.safeParse(request);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || '(input)'}: ${issue.message}`);
  throw new UserError('InvalidInput', faults.join('; '));
}
