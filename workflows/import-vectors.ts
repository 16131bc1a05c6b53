import { proxyActivities } from '@temporalio/workflow';
import type { ImportActivities } from '../activities/importing.ts';
import type { InferenceActivities } from '../activities/inference.ts';
import { type ImportVectorsRequest, importVectorsInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { priorityOf } from '../contract/priority.ts';
import { inferenceWork, longWork, shortWork } from './activity-options.ts';
import { trackJob } from './job-tracker.ts';
import { acceptOperations } from './operate.ts';
import { parseStart } from './parse-input.ts';
import { createPermit } from './permit.ts';
import { runJob } from './run-job.ts';

const { beginImport } = proxyActivities<ImportActivities>(shortWork);

/**
 * Gives the samples of a dataset vectors of a file, and builds their search index as an embedding does. Start it with the
 * Workflow ID of an embedding of the dataset with the model, so that none runs at the same time. It reads no sample.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under importVectors.
 */
export async function importVectors(request: ImportVectorsRequest): Promise<JobStatus> {
  const input = parseStart(importVectorsInput, request);
  const { dataset, model_key, webhooks } = input;
  const job = trackJob({ kind: 'import', dataset, request: input, embeds: true });
  const job_id = job.jobId;
  const operations = acceptOperations(job, async () => undefined);
  return runJob({ job, onRecord: true, operations, webhooks }, async () => {
    const begun = await beginImport({ job_id, workflow_id: job.workflowId, request: input });
    operations.recorded();
    if (begun.search_attributes) job.useSearchAttributes();
    const priority = priorityOf(input);
    const { readVectors, finishImport } = proxyActivities<ImportActivities>({ ...longWork, priority });
    const permit = createPermit({ isPaused: job.isPaused });

    const read = await permit.complete(() => readVectors({ job_id, request: input }));
    job.noteImported(read);
    const { imported, dim, index } = await permit.complete(() =>
      finishImport({ job_id, request: input, imported: read }),
    );
    job.noteImported(imported);
    const { vectors } = imported;
    const counts = { model_key, done: vectors, total: vectors, total_known: true };
    job.update('embedding', { state: 'running', started_at: new Date(), ...counts });
    if (index !== null) {
      const { buildSearchIndex } = proxyActivities<InferenceActivities>({
        ...inferenceWork,
        priority,
        taskQueue: begun.task_queue,
      });
      job.update('embedding', { index });
      const { kind } = index;
      const asked = { job_id, dataset, model: { key: model_key, dim }, kind };
      const built = await permit.complete(() => buildSearchIndex(asked));
      job.update('embedding', { index: { kind, done: built.vectors, total: built.vectors } });
    }
    job.update('embedding', { state: 'completed', finished_at: new Date() });
    return { ready: true };
  });
}
