import { proxyActivities } from '@temporalio/workflow';
import type { CompareVectorsInput, DuplicatesActivities, PlannedDuplicates } from '../activities/duplicates.ts';
import { type FindDuplicatesRequest, findDuplicatesInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { priorityOf } from '../contract/priority.ts';
import { longWork, shortWork } from './activity-options.ts';
import { trackJob } from './job-tracker.ts';
import { acceptOperations } from './operate.ts';
import { parseStart } from './parse-input.ts';
import { createPermit } from './permit.ts';
import { runPool } from './pool.ts';
import { runJob } from './run-job.ts';

const { beginDuplicates } = proxyActivities<DuplicatesActivities>(shortWork);

/** Chunks in the queue: while a worker compares one, it decides about the pairs of another. */
const AT_ONCE = 4;

/**
 * Finds near-duplicates in a dataset: compares its vectors with each other, and joins those that are near into groups,
 * which replace the groups that were found before. It may run beside a load.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under findDuplicates.
 */
export async function findDuplicates(request: FindDuplicatesRequest): Promise<JobStatus> {
  const input = parseStart(findDuplicatesInput, request);
  const { dataset, threshold, webhooks } = input;
  const job = trackJob({ kind: 'duplicates', dataset, request: input, embeds: false });
  const job_id = job.jobId;
  const operations = acceptOperations(job, async () => undefined);
  return runJob({ job, onRecord: true, operations, webhooks }, async () => {
    const { search_attributes, model_key, dim } = await beginDuplicates({
      job_id,
      workflow_id: job.workflowId,
      request: input,
    });
    operations.recorded();
    if (search_attributes) job.useSearchAttributes();
    const { planDuplicates, compareVectors, joinDuplicates } = proxyActivities<DuplicatesActivities>({
      ...longWork,
      priority: priorityOf(input),
    });
    const permit = createPermit({ isPaused: job.isPaused });

    const { plan, total, exact, chunks } = await permit.complete(() => planDuplicates({ job_id, dataset, model_key }));
    let samples = 0;
    job.noteCompared({ samples, total });
    const planned: PlannedDuplicates = { job_id, dataset, model_key, dim, threshold, plan, exact };

    const left = [...chunks];
    const compare = async (chunk: CompareVectorsInput['chunk']) => {
      try {
        await compareVectors({ ...planned, chunk });
      } catch (error) {
        // A pause ends this attempt. The chunk begins again when the job is resumed.
        left.unshift(chunk);
        throw error;
      }
      samples += chunk[2];
      job.noteCompared({ samples, total });
    };
    while (left.length > 0) await permit.complete(() => runPool(AT_ONCE, () => left.shift(), compare));

    job.noteCompared(await permit.complete(() => joinDuplicates(planned)));
    return { ready: false };
  });
}
