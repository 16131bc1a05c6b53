import { proxyActivities } from '@temporalio/workflow';
import type { AnnotationActivities } from '../activities/annotations.ts';
import { type AnnotateDatasetRequest, annotateDatasetInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { priorityOf } from '../contract/priority.ts';
import { longWork, shortWork } from './activity-options.ts';
import { annotationSteps } from './annotation-steps.ts';
import { trackJob } from './job-tracker.ts';
import { acceptOperations } from './operate.ts';
import { parseStart } from './parse-input.ts';
import { createPermit } from './permit.ts';
import { runJob } from './run-job.ts';

const { beginAnnotate } = proxyActivities<AnnotationActivities>(shortWork);

/**
 * Reads annotations into a dataset that is there, or removes a field of them. Start it with the Workflow ID of a load of
 * the dataset, so that no load runs at the same time. It reads no image and touches no vector.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under annotateDataset.
 */
export async function annotateDataset(request: AnnotateDatasetRequest): Promise<JobStatus> {
  const input = parseStart(annotateDatasetInput, request);
  const { dataset, remove, webhooks } = input;
  const job = trackJob({ kind: 'annotate', dataset, request: input, embeds: false });
  const operations = acceptOperations(job, async () => undefined);
  return runJob({ job, onRecord: true, operations, webhooks }, async () => {
    const begun = await beginAnnotate({ job_id: job.jobId, workflow_id: job.workflowId, request: input });
    operations.recorded();
    if (begun.search_attributes) job.useSearchAttributes();
    const permit = createPermit({ isPaused: job.isPaused });
    if (begun.plan !== null) {
      const { read, apply } = annotationSteps(job, input, begun.plan);
      await permit.complete(read);
      await permit.complete(apply);
    }
    if (remove !== undefined) {
      const { removeAnnotationField } = proxyActivities<AnnotationActivities>({
        ...longWork,
        priority: priorityOf(input),
      });
      const asked = { job_id: job.jobId, dataset, field: remove };
      job.noteAnnotations(await permit.complete(() => removeAnnotationField(asked)));
    }
    return { ready: false };
  });
}
