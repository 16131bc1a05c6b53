import { type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { KINDS, loadWorkflowId } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import type { Backends } from './backends.ts';
import { isRunning } from './if-running.ts';
import { listJobs, UNFINISHED } from './list-jobs.ts';

export interface Job {
  /** Temporal's first execution run ID. */
  job_id: string;
  workflow_id: string;
  dataset: string;
}

const MIN_PREFIX = 6;
const MAX_NAMED = 5;

/**
 * The job that a full ID, a dataset's name (its latest job) or a unique prefix of an ID means, in this order.
 *
 * @throws UserError JobNotFound, AmbiguousJob
 */
export async function findJob(backends: Backends, reference: string): Promise<Job> {
  const job =
    (await byId(backends, reference)) ??
    (await byDataset(backends, reference)) ??
    (await byPrefix(backends, reference));
  if (job !== undefined) return job;
  if ((await backends.store.datasets.countDocuments({ _id: reference }, { limit: 1 })) > 0) {
    throw new UserError(
      'JobNotFound',
      `No job of dataset "${reference}" is on record: they were cleaned up. The dataset is as they left it: plimsoll samples ${reference}`,
    );
  }
  const hint = reference.length < MIN_PREFIX ? ` A prefix of an ID needs ${MIN_PREFIX} characters at least.` : '';
  throw new UserError('JobNotFound', `No job or dataset matches "${reference}".${hint} List them: plimsoll jobs`);
}

/**
 * The job that is to be paused, resumed or canceled: a dataset's name means the one that is not over, whichever started last.
 *
 * @throws UserError JobNotFound, AmbiguousJob
 */
export async function findJobToOperate(backends: Backends, reference: string): Promise<Job> {
  const byItsId = await byId(backends, reference);
  if (byItsId !== undefined) return byItsId;
  const { jobs } = await listJobs(backends, { dataset: reference, state: UNFINISHED, limit: MAX_NAMED });
  if (jobs.length > 1) {
    const found = jobs.map(({ kind, job_id, state }) => `the ${kind} ${job_id} (${state})`).join(', ');
    throw new UserError('AmbiguousJob', `Several jobs of ${reference} are not over: ${found}. Give the job's ID.`);
  }
  const [only] = jobs;
  if (only !== undefined) return { job_id: only.job_id, workflow_id: only.workflow_id, dataset: only.dataset };
  return (await unrecorded(backends, reference, isRunning)) ?? findJob(backends, reference);
}

const projection = { workflow_id: 1, dataset_id: 1 } as const;

const jobOf = (load: { _id: string; workflow_id: string; dataset_id: string }): Job => ({
  job_id: load._id,
  workflow_id: load.workflow_id,
  dataset: load.dataset_id,
});

async function byId(backends: Backends, id: string): Promise<Job | undefined> {
  const load = await backends.store.jobs.findOne({ _id: id }, { projection });
  return load === null ? unrecordedById(backends, id) : jobOf(load);
}

async function byDataset(backends: Backends, dataset: string): Promise<Job | undefined> {
  const load = await backends.store.jobs.findOne(
    { dataset_id: dataset },
    { projection, sort: { started_at: -1, _id: -1 } },
  );
  return load === null ? unrecorded(backends, dataset) : jobOf(load);
}

/** A load that Temporal has accepted and no worker has begun: started by another client than this one. */
async function unrecorded(
  { temporal }: Backends,
  dataset: string,
  accepts: (workflow: WorkflowExecutionDescription) => boolean = () => true,
): Promise<Job | undefined> {
  try {
    const workflow = await temporal.workflow.getHandle(loadWorkflowId(dataset)).describe();
    const { raw, workflowId } = workflow;
    const jobId = raw.workflowExecutionInfo?.firstRunId;
    return jobId && accepts(workflow) ? { job_id: jobId, workflow_id: workflowId, dataset } : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** The same by its ID: what Temporal lists of our workflows, in case it has it. */
async function unrecordedById({ temporal }: Backends, id: string): Promise<Job | undefined> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return undefined;
  for await (const { workflowId, type } of temporal.workflow.list({ query: `RunId = "${id}"` })) {
    if (KINDS[type] === undefined) continue;
    return { job_id: id, workflow_id: workflowId, dataset: workflowId.replace(/^(load|embed)-|:.*$/g, '') };
  }
  return undefined;
}

async function byPrefix({ store }: Backends, prefix: string): Promise<Job | undefined> {
  if (prefix.length < MIN_PREFIX || !/^[0-9a-f-]+$/.test(prefix)) return undefined;
  const loads = await store.jobs
    .find({ _id: { $gte: prefix, $lt: `${prefix}g` } }, { projection, sort: { started_at: -1 } })
    .limit(MAX_NAMED)
    .toArray();
  if (loads.length > 1) {
    const found = loads.map((load) => `${load._id} (${load.dataset_id})`).join(', ');
    throw new UserError('AmbiguousJob', `"${prefix}" matches several jobs: ${found}. Give more characters.`);
  }
  return loads[0] === undefined ? undefined : jobOf(loads[0]);
}
