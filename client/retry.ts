import { type EmbedDatasetInput, type RetryFailedRequest, retryFailedInput } from '../contract/inputs.ts';
import type { JobKind } from '../contract/job.ts';
import { loadWorkflowId, RETRY_WORKFLOW } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import type { JobDocument } from '../core/store/documents.ts';
import { findDataset } from '../core/store/list-samples.ts';
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
  await findDataset(backends.store, dataset);
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

type JobRecord = Pick<JobDocument, 'kind' | 'request'>;

/** A dataset whose jobs have been cleaned up can be retried, too. */
async function jobToRetry(
  backends: Backends,
  reference: string,
): Promise<{ dataset: string; load: JobRecord | undefined }> {
  const { jobs } = backends.store;
  const job = await findJob(backends, reference).catch(async (error: unknown) => {
    if (!(error instanceof UserError) || error.code !== 'JobNotFound') throw error;
    const known = await backends.store.datasets.countDocuments({ _id: reference }, { limit: 1 });
    if (known === 0) throw error;
    return undefined;
  });
  const dataset = job?.dataset ?? reference;
  const projection = { kind: 1, request: 1 };
  const named = await jobs.findOne({ _id: job?.job_id ?? '', kind: { $in: EMBEDDING_KINDS } }, { projection });
  const latest = { dataset_id: dataset, kind: { $in: EMBEDDING_KINDS } };
  return {
    dataset,
    load: named ?? (await jobs.findOne(latest, { projection, sort: { started_at: -1 } })) ?? undefined,
  };
}

/** How that job embedded, and ahead of whom. Its source is the dataset's; its start time is past. */
function takenFrom(load: JobRecord | undefined): RetryChanges {
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
