import { type EmbedDatasetInput, type RetryFailedRequest, retryFailedInput } from '../contract/inputs.ts';
import type { JobKind } from '../contract/job.ts';
import { loadWorkflowId, RETRY_WORKFLOW } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import { datasetExists, getDataset } from '../core/store/datasets.ts';
import { findRequest, type JobRequest, latestRequestOf } from '../core/store/jobs.ts';
import type { Backends } from './backends.ts';
import { findJob } from './find-job.ts';
import { parseRequest, type StartedJob, type StartOptions, startJob } from './start.ts';

/** What a retry does otherwise than the job that it retries. */
export type RetryChanges = Omit<RetryFailedRequest, 'dataset'>;

/**
 * Retries what failed in the dataset of a job: its files, and their embedding with that job's model.
 *
 * @throws UserError InvalidInput, JobNotFound, AmbiguousJob, DatasetNotFound, AlreadyRunningError
 */
export async function startRetry(
  backends: Backends,
  reference: string,
  changes: RetryChanges = {},
  options: StartOptions = {},
): Promise<StartedJob> {
  const { dataset, load } = await jobToRetry(backends, reference);
  await getDataset(backends.store, dataset);
  const input = parseRequest(retryFailedInput, { ...takenFrom(load), ...changes, dataset });
  return startJob(
    backends,
    {
      kind: 'retry',
      workflow: RETRY_WORKFLOW,
      workflowId: loadWorkflowId(dataset),
      dataset,
      input,
      embeds: input.embed,
      summary: `Retry what failed in ${dataset}`,
    },
    options,
  );
}

/** The kinds of jobs whose requests say how to embed. */
const EMBEDDING_KINDS: JobKind[] = ['load', 'retry', 'embed'];

/** A dataset whose jobs have been cleaned up can be retried, too. */
async function jobToRetry(
  backends: Backends,
  reference: string,
): Promise<{ dataset: string; load: JobRequest | undefined }> {
  const { store } = backends;
  const job = await findJob(backends, reference).catch(async (error: unknown) => {
    if (!(error instanceof UserError) || error.code !== 'JobNotFound') throw error;
    if (!(await datasetExists(store, reference))) throw error;
    return undefined;
  });
  const dataset = job?.dataset ?? reference;
  const named = await findRequest(store, job?.job_id ?? '', EMBEDDING_KINDS);
  return { dataset, load: named ?? (await latestRequestOf(store, dataset, EMBEDDING_KINDS)) };
}

/** How that job embedded, and ahead of whom. Its source is the dataset's; its start time is past. */
function takenFrom(load: JobRequest | undefined): RetryChanges {
  if (load === undefined) return {};
  const { model, embed_task_queue, embed_window, priority, fairness_key, fairness_weight } =
    load.request as EmbedDatasetInput;
  return {
    embed: load.kind === 'embed' || load.request.embed !== false,
    ...(model === undefined ? {} : { model }),
    ...(embed_task_queue === undefined ? {} : { embed_task_queue }),
    ...(embed_window === undefined ? {} : { embed_window }),
    ...(priority === undefined ? {} : { priority }),
    ...(fairness_key === undefined ? {} : { fairness_key }),
    ...(fairness_weight === undefined ? {} : { fairness_weight }),
  };
}
