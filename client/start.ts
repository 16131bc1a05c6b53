import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { INDEXING_TASK_QUEUE } from '../contract/names.ts';
import { priorityOf } from '../contract/priority.ts';
import { recordQueued } from '../core/jobs/begin.ts';
import { getDataset } from '../core/store/datasets.ts';
import { findRequest } from '../core/store/jobs.ts';
import type { Job } from '../temporal/jobs.ts';
import type { Backends } from './backends.ts';
import type { StartMemo } from './find-started.ts';
import { AlreadyRunningError, type IfRunning } from './if-running.ts';
import type { JobInput, JobType } from './job-types.ts';
import { parseRequest } from './parse-request.ts';
import { endRunning, findRunning, type RunningJob } from './running-job.ts';

export interface StartOptions {
  /** The choice if the dataset has a running job already; `fail` if left out. */
  ifRunning?: IfRunning | undefined;
  /** With `replace`: a running job whose cancel no worker hears in this time is terminated; 30 s if left out. */
  heardWithinMs?: number | undefined;
  /** Marks the job. A start with the mark of the job that runs returns that job, as if it had started it. */
  startId?: string | undefined;
}

export interface StartedJob extends Job {
  /** True if the job was running already, and nothing was started. */
  attached: boolean;
}

/** A job whose request was checked. */
interface Start extends Pick<JobType<never, never>, 'kind' | 'workflow'> {
  workflowId: string;
  input: JobInput;
  embeds: boolean;
  summary: string;
  startId: string | undefined;
}

/** How long after the end of a workflow a start is tried again. The server may still take its ID for used. */
const FREE_WITHIN_MS = 100;

/**
 * Starts a job. If its Workflow ID is taken, it does what the caller chose.
 *
 * @throws UserError InvalidInput, DatasetNotFound, FolderNotInDataset, FoldersOverlap; AlreadyRunningError
 */
export async function startJob<Request, Input extends JobInput>(
  backends: Backends,
  type: JobType<Request, Input>,
  request: Request,
  { ifRunning = 'fail', heardWithinMs, startId }: StartOptions = {},
): Promise<StartedJob> {
  const job = { ...(await prepare(backends, type, request)), startId };
  let replaced = false;
  for (;;) {
    const started = await tryStart(backends, job);
    if (started !== undefined) return { ...started, attached: false };
    const running = await findRunning(backends.temporal, job.workflowId, job.input.dataset);
    if (running === undefined) {
      // The running job has ended since.
      await delay(FREE_WITHIN_MS);
      continue;
    }
    if (startId !== undefined && running.startId === startId) return { ...running.job, attached: false };
    if (ifRunning === 'attach') return attachTo(backends, running, job);
    if (ifRunning === 'fail') throw new AlreadyRunningError(running, choicesFor(running, job));
    if (!isReplaceable(running)) {
      throw new AlreadyRunningError(running, [], 'It is not replaced: half of it is nothing to build on.');
    }
    // A start replaces one job: two starts that replace each other would never end.
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

async function prepare<Request, Input extends JobInput>(
  { store }: Backends,
  type: JobType<Request, Input>,
  request: Request,
): Promise<Omit<Start, 'startId'>> {
  const { kind, workflow, datasetError } = type;
  const input = parseRequest(type.schema, request);
  if (datasetError !== undefined) await getDataset(store, input.dataset, datasetError);
  await type.check?.(store, input);
  return {
    kind,
    workflow,
    workflowId: type.workflowId(input),
    input,
    embeds: type.embeds(input),
    summary: type.summary(input),
  };
}

/** Undefined if the Workflow ID is taken. */
async function tryStart(
  { temporal, store, taskQueue = INDEXING_TASK_QUEUE }: Backends,
  { kind, workflow, workflowId, input, embeds, summary, startId }: Start,
): Promise<Job | undefined> {
  let jobId: string;
  try {
    const handle = await temporal.workflow.start(workflow, {
      taskQueue,
      workflowId,
      args: [input],
      staticSummary: summary.slice(0, 200),
      priority: priorityOf(input),
      ...(startId === undefined ? {} : { memo: { start_id: startId, dataset: input.dataset } satisfies StartMemo }),
    });
    jobId = handle.firstExecutionRunId;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
  const { dataset } = input;
  await recordQueued(store, { jobId, workflowId, kind, datasetId: dataset, request: input, embeds });
  return { job_id: jobId, workflow_id: workflowId, dataset };
}

/** After half a deletion or half a relocate, another job would find samples in the wrong state. */
const isReplaceable = ({ kind }: RunningJob): boolean => kind !== 'delete' && kind !== 'relocate';

const replaceIfPossible = (running: RunningJob): IfRunning[] => (isReplaceable(running) ? ['replace'] : []);

const choicesFor = (running: RunningJob, wanted: Start): IfRunning[] => [
  ...(running.kind === wanted.kind ? (['attach'] as const) : []),
  ...replaceIfPossible(running),
];

/** The fields of requests that name folders. */
const FOLDERS = ['source', 'from', 'to', 'target'] as const;

const isAnother = (folder: unknown, wanted: unknown): boolean =>
  typeof folder === 'string' && resolve(folder) !== resolve(String(wanted));

/** Returns the running job instead of a new one, if it does what was asked for. */
async function attachTo({ store }: Backends, running: RunningJob, wanted: Start): Promise<StartedJob> {
  const { job, kind } = running;
  const isPhase = wanted.kind === 'embed' && job.workflow_id !== wanted.workflowId;
  if (kind !== wanted.kind && !isPhase) {
    throw new AlreadyRunningError(
      running,
      replaceIfPossible(running),
      'It is not what was asked for, so there is nothing to attach to.',
    );
  }
  const request = (await findRequest(store, job.job_id))?.request ?? {};
  const other = isPhase ? undefined : FOLDERS.find((name) => isAnother(request[name], wanted.input[name]));
  if (other !== undefined) {
    throw new AlreadyRunningError(
      running,
      replaceIfPossible(running),
      `Its ${other} is another folder, ${request[other]}.`,
    );
  }
  if (kind === 'drop' && request.model_key !== wanted.input.model_key) {
    throw new AlreadyRunningError(
      running,
      replaceIfPossible(running),
      `It drops another revision, ${request.model_key}.`,
    );
  }
  if (kind === 'export' && !isSameExport(request, wanted.input)) {
    throw new AlreadyRunningError(running, replaceIfPossible(running), 'It exports something else to that folder.');
  }
  if (kind === 'import' && (['path', 'model_key'] as const).some((name) => request[name] !== wanted.input[name])) {
    throw new AlreadyRunningError(running, replaceIfPossible(running), 'It imports another file, or other vectors.');
  }
  return { ...job, attached: true };
}

/** The fields of an export that decide what is written. */
const WRITTEN = ['format', 'images', 'field', 'task', 'filter', 'vectors'] as const;

const isSameExport = (request: Record<string, unknown>, wanted: Record<string, unknown>): boolean =>
  WRITTEN.every((name) => isDeepStrictEqual(plain(request[name]), plain(wanted[name])));

/** Without fields that are undefined, as it is stored. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));
