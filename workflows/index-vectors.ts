import { proxyActivities } from '@temporalio/workflow';
import type { EmbeddingActivities } from '../activities/embedding.ts';
import type { InferenceActivities } from '../activities/inference.ts';
import { type IndexVectorsRequest, indexVectorsInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { priorityOf } from '../contract/priority.ts';
import { inferenceWork, shortWork } from './activity-options.ts';
import { trackJob } from './job-tracker.ts';
import { acceptOperations } from './operate.ts';
import { parseStart } from './parse-input.ts';
import { createPermit } from './permit.ts';
import { runJob } from './run-job.ts';

const { beginIndex } = proxyActivities<EmbeddingActivities>(shortWork);

/**
 * Builds the search index of a model's vectors anew, and publishes it in place of the one before, which serves until
 * then. Start it with the Workflow ID of an embedding of the dataset with the model, so that none runs at the same time.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under indexVectors.
 */
export async function indexVectors(request: IndexVectorsRequest): Promise<JobStatus> {
  const input = parseStart(indexVectorsInput, request);
  const { dataset } = input;
  const job = trackJob({ kind: 'index', dataset, request: input, embeds: true });
  const operations = acceptOperations(job, async () => undefined);
  return runJob({ job, onRecord: true, operations }, async () => {
    const begun = await beginIndex({
      job_id: job.jobId,
      workflow_id: job.workflowId,
      request: input,
      continued: false,
    });
    operations.recorded();
    if (begun.search_attributes) job.useSearchAttributes();
    const { buildSearchIndex } = proxyActivities<InferenceActivities>({
      ...inferenceWork,
      priority: priorityOf(input),
      taskQueue: begun.task_queue,
    });
    const { model, kind, total } = begun;
    job.update('embedding', {
      state: 'running',
      started_at: new Date(),
      model_key: model.key,
      total_known: true,
      index: { kind, done: 0, total },
    });
    const permit = createPermit({ isPaused: job.isPaused });
    const { vectors } = await permit.complete(() => buildSearchIndex({ job_id: job.jobId, dataset, model, kind }));
    job.update('embedding', {
      state: 'completed',
      finished_at: new Date(),
      index: { kind, done: vectors, total: vectors },
    });
    return { ready: false };
  });
}
