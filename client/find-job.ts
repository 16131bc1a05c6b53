import type { WorkflowExecutionDescription } from '@temporalio/client';
import { UNFINISHED_STATES } from '../contract/job.ts';
import { KINDS, loadWorkflowId } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import { datasetExists } from '../core/store/datasets.ts';
import { findJobReference, type JobReference, jobsByPrefix, latestJobOf } from '../core/store/jobs.ts';
import { ifFound, isRunning, type Job, jobIdOf } from '../temporal/jobs.ts';
import type { Backends } from './backends.ts';
import { listJobs } from './list-jobs.ts';

const MIN_PREFIX = 6;
const MAX_NAMED = 5;

/**
 * The job that a reference means: a full ID, else a dataset's name (its latest job), else a unique prefix of an ID.
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
      `The job records of dataset "${reference}" were cleaned up. The dataset is still there: plimsoll samples ${reference}`,
    );
  }
  const hint = reference.length < MIN_PREFIX ? ` A prefix of an ID needs at least ${MIN_PREFIX} characters.` : '';
  throw new UserError('JobNotFound', `No job or dataset matches "${reference}".${hint} List them: plimsoll jobs`);
}

/**
 * The job to pause, resume or cancel. A dataset's name means its job that is not over, even if another started later.
 *
 * @throws UserError JobNotFound, AmbiguousJob
 */
export async function findJobToOperate(backends: Backends, reference: string): Promise<Job> {
  const byItsId = await byId(backends, reference);
  if (byItsId !== undefined) return byItsId;
  const { jobs } = await listJobs(backends, { dataset: reference, state: UNFINISHED_STATES, limit: MAX_NAMED });
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

/** A job that Temporal has accepted and no worker has begun. A client other than this one may have started it. */
async function unrecorded(
  { temporal }: Backends,
  dataset: string,
  accepts: (workflow: WorkflowExecutionDescription) => boolean = () => true,
): Promise<Job | undefined> {
  const workflow = await ifFound(temporal.workflow.getHandle(loadWorkflowId(dataset)).describe());
  if (workflow === undefined || !accepts(workflow)) return undefined;
  return { job_id: jobIdOf(workflow), workflow_id: workflow.workflowId, dataset };
}

/** The same, found by its ID in Temporal's list of workflows. */
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
    const found = jobs.map((job) => `${job._id} (${job.dataset_id})`).join(', ');
    throw new UserError('AmbiguousJob', `"${prefix}" matches several jobs: ${found}. Give more characters.`);
  }
  return jobs[0] === undefined ? undefined : jobOf(jobs[0]);
}
