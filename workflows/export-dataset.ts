import { proxyActivities } from '@temporalio/workflow';
import type { ExportActivities } from '../activities/exports.ts';
import { type ExportDatasetRequest, exportDatasetInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { priorityOf } from '../contract/priority.ts';
import { longWork, shortWork } from './activity-options.ts';
import { trackJob } from './job-tracker.ts';
import { acceptOperations } from './operate.ts';
import { parseStart } from './parse-input.ts';
import { createPermit } from './permit.ts';
import { runJob } from './run-job.ts';

const { beginExport } = proxyActivities<ExportActivities>(shortWork);

/**
 * Writes the samples of a dataset, with their annotations or vectors, to a folder. It may run beside a load, and beside
 * exports to other folders.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under exportDataset.
 */
export async function exportDataset(request: ExportDatasetRequest): Promise<JobStatus> {
  const input = parseStart(exportDatasetInput, request);
  const { dataset, webhooks } = input;
  const job = trackJob({ kind: 'export', dataset, request: input, embeds: false });
  const job_id = job.jobId;
  const operations = acceptOperations(job, async () => undefined);
  return runJob({ job, onRecord: true, operations, webhooks }, async () => {
    const begun = await beginExport({ job_id, workflow_id: job.workflowId, request: input });
    operations.recorded();
    if (begun.search_attributes) job.useSearchAttributes();
    const { writeExport } = proxyActivities<ExportActivities>({ ...longWork, priority: priorityOf(input) });
    const permit = createPermit({ isPaused: job.isPaused });
    job.noteExported(await permit.complete(() => writeExport({ job_id, request: input, model_key: begun.model_key })));
    return { ready: false };
  });
}
