import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { z } from 'zod';
import { parseInWords, sentenceOf } from '../contract/faults-in-words.ts';
import {
  type EmbedDatasetRequest,
  embedDatasetInput,
  type LoadDatasetRequest,
  loadDatasetInput,
} from '../contract/inputs.ts';
import type { JobKind } from '../contract/job.ts';
import {
  EMBED_WORKFLOW,
  embedWorkflowId,
  INDEXING_TASK_QUEUE,
  LOAD_WORKFLOW,
  loadWorkflowId,
} from '../contract/names.ts';
import type { EmbedWindow } from '../contract/options.ts';
import { priorityOf } from '../contract/priority.ts';
import { requireTimeZone } from '../core/embedding/embed-window.ts';
import { UserError } from '../core/errors.ts';
import { recordQueued } from '../core/jobs/begin.ts';
import { getDataset } from '../core/store/datasets.ts';
import { findRequest } from '../core/store/jobs.ts';
import type { Backends } from './backends.ts';
import type { Job } from './find-job.ts';
import { AlreadyRunningError, type IfRunning, type RunningJob, runningJob } from './if-running.ts';
import { endRunning } from './if-running-replace.ts';
import { unknownZone } from './time-zone.ts';

export { AlreadyRunningError } from './if-running.ts';

/** @throws UserError InvalidInput, AlreadyRunningError */
export async function startLoad(
  backends: Backends,
  request: LoadDatasetRequest,
  options: StartOptions = {},
): Promise<StartedJob> {
  const input = parseRequest(loadDatasetInput, request);
  const job: Start = {
    kind: 'load',
    workflow: LOAD_WORKFLOW,
    workflowId: loadWorkflowId(input.dataset),
    dataset: input.dataset,
    input,
    embeds: input.embed,
    summary: `Load ${input.source} into ${input.dataset}`,
  };
  return startJob(backends, job, options);
}

/** @throws UserError InvalidInput, DatasetNotFound, AlreadyRunningError */
export async function startEmbedding(
  backends: Backends,
  request: EmbedDatasetRequest,
  options: StartOptions = {},
): Promise<StartedJob> {
  const input = parseRequest(embedDatasetInput, request);
  await getDataset(backends.store, input.dataset);
  const job: Start = {
    kind: 'embed',
    workflow: EMBED_WORKFLOW,
    workflowId: embedWorkflowId(input.dataset, input.model),
    dataset: input.dataset,
    input,
    embeds: true,
    summary: `Embed ${input.dataset} with ${input.model}`,
  };
  return startJob(backends, job, options);
}

export interface StartOptions {
  /** What to do where the dataset has a running job already; `fail` if left out. */
  ifRunning?: IfRunning | undefined;
  /** With `replace`: how long a worker may take to hear of the cancel before the running job is terminated; 30 s if left out. */
  heardWithinMs?: number | undefined;
}

export interface StartedJob extends Job {
  /** True where the job ran already, and nothing was started. */
  attached: boolean;
}

export interface Start {
  kind: JobKind;
  workflow: string;
  workflowId: string;
  dataset: string;
  /** What the workflow's schema made of the request. */
  input: { dataset: string } & Record<string, unknown>;
  embeds: boolean;
  summary: string;
}

/** How long a server may take to know everywhere that a workflow has ended, before it is asked again. */
const FREE_WITHIN_MS = 100;

/** Starts a job; where its Workflow ID is taken, does what the caller chose. @throws AlreadyRunningError */
export async function startJob(backends: Backends, job: Start, options: StartOptions = {}): Promise<StartedJob> {
  const { ifRunning = 'fail', heardWithinMs } = options;
  let replaced = false;
  for (;;) {
    const started = await tryStart(backends, job);
    if (started !== undefined) return { ...started, attached: false };
    const running = await runningJob(backends.temporal, job.workflowId, job.dataset);
    if (running === undefined) {
      // It has ended since and the ID is free, or will be once all of the server knows.
      await delay(FREE_WITHIN_MS);
      continue;
    }
    if (ifRunning === 'attach') return attachTo(backends, running, job);
    if (ifRunning === 'fail') throw new AlreadyRunningError(running, choicesFor(running, job));
    // One replacement each: two that replace each other would never end.
    if (replaced) {
      throw new AlreadyRunningError(
        running,
        ['attach', 'replace'],
        'It was started while the job before it was being ended.',
      );
    }
    await endRunning(backends, running, heardWithinMs);
    replaced = true;
  }
}

/** Undefined where the Workflow ID is taken. */
async function tryStart(
  { temporal, store, taskQueue = INDEXING_TASK_QUEUE }: Backends,
  job: Start,
): Promise<Job | undefined> {
  const { workflowId, dataset } = job;
  let jobId: string;
  try {
    const handle = await temporal.workflow.start(job.workflow, {
      taskQueue,
      workflowId,
      args: [job.input],
      staticSummary: job.summary.slice(0, 200),
      priority: priorityOf(job.input),
    });
    jobId = handle.firstExecutionRunId;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
  await recordQueued(store, {
    jobId: jobId,
    workflowId,
    kind: job.kind,
    datasetId: dataset,
    request: job.input,
    embeds: job.embeds,
  });
  return { job_id: jobId, workflow_id: workflowId, dataset };
}

/** A deletion is never broken off. */
const replacing = ({ kind }: RunningJob): IfRunning[] => (kind === 'delete' ? [] : ['replace']);

const choicesFor = (running: RunningJob, wanted: Start): IfRunning[] => [
  ...(running.kind === wanted.kind ? (['attach'] as const) : []),
  ...replacing(running),
];

/** The running job in place of a new one, where it does what was asked for. */
async function attachTo({ store }: Backends, running: RunningJob, wanted: Start): Promise<StartedJob> {
  const { job, kind } = running;
  const isPhase = wanted.kind === 'embed' && job.workflow_id !== wanted.workflowId;
  if (kind !== wanted.kind && !isPhase) {
    throw new AlreadyRunningError(
      running,
      replacing(running),
      'It is not what was asked for, so there is nothing to attach to.',
    );
  }
  const { source } = (await findRequest(store, job.job_id))?.request ?? {};
  if (
    wanted.kind === 'load' &&
    typeof source === 'string' &&
    resolve(source) !== resolve(String(wanted.input.source))
  ) {
    throw new AlreadyRunningError(running, replacing(running), `It loads another folder, ${source}.`);
  }
  return { ...job, attached: true };
}

/** @throws UserError InvalidInput naming each field that is wrong */
export function parseRequest<T extends z.ZodType>(schema: T, request: unknown): z.output<T> {
  const parsed = parseInWords(schema, request);
  if (!parsed.success) throw new UserError('InvalidInput', sentenceOf(parsed.faults));
  const { embed_window } = parsed.data as { embed_window?: EmbedWindow };
  if (embed_window !== undefined) requireKnownZone('embed_window.time_zone', embed_window.time_zone);
  return parsed.data;
}

/** The zone's name in its own letters. Before anything is started: a worker would refuse it too, after the folder was indexed. @throws UserError InvalidInput */
export function requireKnownZone(field: string, zone: string): string {
  try {
    return requireTimeZone(zone);
  } catch (cause) {
    throw new UserError('InvalidInput', `${field}: ${unknownZone(zone)}`, { cause, fields: [field] });
  }
}
