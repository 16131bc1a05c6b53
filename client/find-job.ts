import { type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { KINDS, loadWorkflowId } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import { datasetExists } from '../core/store/datasets.ts';
import { findJobReference, type JobReference, jobsByPrefix, latestJobOf } from '../core/store/jobs.ts';
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
  if (await datasetExists(backends.store, reference)) {
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

const jobOf = ({ _id, workflow_id, dataset_id }: JobReference): Job => ({
  job_id: _id,
  workflow_id,
  dataset: dataset_id,
});

async function byId(backends: Backends, id: string): Promise<Job | undefined> {
  const job = await findJobReference(backends.store, id);
  return job === undefined ? unrecordedById(backends, id) : jobOf(job);
}

async function byDataset(backends: Backends, dataset: string): Promise<Job | undefined> {
  const job = await latestJobOf(backends.store, dataset);
  return job === undefined ? unrecorded(backends, dataset) : jobOf(job);
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
  const jobs = await jobsByPrefix(store, prefix, MAX_NAMED);
  if (jobs.length > 1) {
    const found = jobs.map(({ _id, dataset_id }) => `${_id} (${dataset_id})`).join(', ');
    throw new UserError('AmbiguousJob', `"${prefix}" matches several jobs: ${found}. Give more characters.`);
  }
  return jobs[0] === undefined ? undefined : jobOf(jobs[0]);
}
