import { proxyActivities, sleep } from '@temporalio/workflow';
import type { RemovalActivities } from '../activities/removal.ts';
import { type DeleteDatasetRequest, deleteDatasetInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { longWork, shortWork } from './activity-options.ts';
import { trackJob } from './job-tracker.ts';
import { acceptCancel } from './operate.ts';
import { parseStart } from './parse-input.ts';
import { runJob } from './run-job.ts';

const { beginDelete, cancelEmbeddings } = proxyActivities<RemovalActivities>(shortWork);
const { pauseSchedules, deleteDocuments } = proxyActivities<RemovalActivities>(longWork);

/** Longer than an embedding takes to see its cancellation, even if its worker died and a timeout has to end it. */
const LONGEST_WAIT_SECONDS = 120;

/**
 * Deletes a dataset, its samples and its vectors. The files and the records of its jobs stay. Start it with the
 * Workflow ID of a load of the dataset, so that no load runs at the same time. No other job starts on the dataset once
 * the deletion has begun. If it was canceled half-way, another deletion completes it.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under deleteDataset.
 */
export async function deleteDataset(request: DeleteDatasetRequest): Promise<JobStatus> {
  const input = parseStart(deleteDatasetInput, request);
  const { dataset } = input;
  const job = trackJob({ kind: 'delete', dataset, request: input, embeds: false });
  return runJob({ job, onRecord: true, operations: acceptCancel(job) }, async () => {
    const begun = await beginDelete({ job_id: job.jobId, workflow_id: job.workflowId, request: input });
    if (begun.search_attributes) job.useSearchAttributes();
    await pauseSchedules({ job_id: job.jobId, dataset });
    await endEmbeddings(dataset);
    job.noteRemoved(await deleteDocuments({ job_id: job.jobId, dataset }));
    return { ready: false };
  });
}

/**
 * Cancels the embed jobs of the dataset and waits until they have ended. The wait is bounded, because vectors that are
 * written too late are removed by the deletion or taken back by the embedding.
 */
async function endEmbeddings(dataset: string): Promise<void> {
  for (let waited = 0, pause = 1; waited < LONGEST_WAIT_SECONDS; waited += pause, pause = Math.min(pause * 2, 10)) {
    if ((await cancelEmbeddings({ dataset })) === 0) return;
    await sleep(pause * 1000);
  }
}
