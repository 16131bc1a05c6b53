import type { EmbedDatasetInput, RetryFailedRequest } from '../contract/inputs.ts';
import type { JobKind } from '../contract/job.ts';
import { UserError } from '../core/errors.ts';
import { datasetExists } from '../core/store/datasets.ts';
import { findRequest, type JobRequest, latestRequestOf } from '../core/store/jobs.ts';
import type { Backends } from './backends.ts';
import { findJob } from './find-job.ts';
import { RETRY } from './job-types.ts';
import { type StartedJob, type StartOptions, startJob } from './start.ts';

/** Options of a retry that differ from those of the job that it retries. */
export type RetryChanges = Omit<RetryFailedRequest, 'dataset'>;

/**
 * Retries what failed in the dataset of a job: reads the files again, and embeds with that job's model.
 *
 * @throws UserError InvalidInput, JobNotFound, AmbiguousJob, DatasetNotFound, AlreadyRunningError
 */
export async function startRetry(
  backends: Backends,
  reference: string,
  changes: RetryChanges = {},
  options: StartOptions = {},
): Promise<StartedJob> {
  const { dataset, job } = await jobToRetry(backends, reference);
  return startJob(backends, RETRY, { ...optionsOf(job), ...changes, dataset }, options);
}

/** The kinds of jobs whose requests say how to embed. */
const EMBEDDING_KINDS: JobKind[] = ['load', 'retry', 'embed'];

/** The record is undefined if all of the dataset's jobs were cleaned up. It can be retried all the same. */
async function jobToRetry(
  backends: Backends,
  reference: string,
): Promise<{ dataset: string; job: JobRequest | undefined }> {
  const { store } = backends;
  const found = await findJob(backends, reference).catch(async (error: unknown) => {
    if (!(error instanceof UserError) || error.code !== 'JobNotFound') throw error;
    if (!(await datasetExists(store, reference))) throw error;
    return undefined;
  });
  const dataset = found?.dataset ?? reference;
  const named = await findRequest(store, found?.job_id ?? '', EMBEDDING_KINDS);
  return { dataset, job: named ?? (await latestRequestOf(store, dataset, EMBEDDING_KINDS)) };
}

/** The job's options that a retry keeps. A start time is not among them: it is past. */
function optionsOf(job: JobRequest | undefined): RetryChanges {
  if (job === undefined) return {};
  const {
    model,
    switch: switches,
    embed_task_queue,
    embed_window,
    priority,
    fairness_key,
    fairness_weight,
  } = job.request as EmbedDatasetInput;
  return {
    embed: job.kind === 'embed' || job.request.embed !== false,
    ...(model === undefined ? {} : { model }),
    // A job that has completed has switched. Somebody may have chosen another model since.
    ...(switches && job.state !== 'completed' ? { switch: true } : {}),
    ...(embed_task_queue === undefined ? {} : { embed_task_queue }),
    ...(embed_window === undefined ? {} : { embed_window }),
    ...(priority === undefined ? {} : { priority }),
    ...(fairness_key === undefined ? {} : { fairness_key }),
    ...(fairness_weight === undefined ? {} : { fairness_weight }),
  };
}
