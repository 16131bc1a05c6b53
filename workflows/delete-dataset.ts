import { proxyActivities, sleep } from '@temporalio/workflow';
import type { RemovalActivities } from '../activities/removal.ts';
import { type DeleteDatasetRequest, deleteDatasetInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { longWork, shortWork } from './activity-options.ts';
import { trackJob } from './job-tracker.ts';
import { parseInput } from './parse-input.ts';
import { runJob } from './run-job.ts';

const { beginDelete, cancelEmbeddings } = proxyActivities<RemovalActivities>(shortWork);
/** Each batch takes well below a second, so that a worker that died is soon missed. */
const { pauseSchedules, deleteDocuments } = proxyActivities<RemovalActivities>({
  ...longWork,
  heartbeatTimeout: '10 seconds',
});

/** Longer than an embedding takes to hear of a cancel, also where its worker has died and only a timeout can tell. */
const LONGEST_WAIT_SECONDS = 120;

/**
 * Deletes a dataset, its samples and its vectors; its files and the records of its jobs stay. To be started with the Workflow
 * ID of a load of the dataset, so that none runs at the same time. Once it has begun nothing else begins on the dataset, and
 * one that was canceled half-way is ended by another.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under deleteDataset.
 */
export async function deleteDataset(request: DeleteDatasetRequest): Promise<JobStatus> {
  const input = parseInput(deleteDatasetInput, request);
  const { dataset } = input;
  const job = trackJob({ kind: 'delete', dataset, request: input, embeds: false });
  return runJob({ job, onRecord: true }, async () => {
    const begun = await beginDelete({ job_id: job.jobId, workflow_id: job.workflowId, request: input });
    if (begun.search_attributes) job.useSearchAttributes();
    await pauseSchedules({ job_id: job.jobId, dataset });
    await endEmbeddings(dataset);
    job.noteRemoved(await deleteDocuments({ job_id: job.jobId, dataset }));
    return { ready: false };
  });
}

/**
 * Cancels the embeddings of the dataset that run by themselves, and waits for their end: not without bound, as what one
 * writes too late is removed or taken back.
 */
async function endEmbeddings(dataset: string): Promise<void> {
  for (let waited = 0, pause = 1; waited < LONGEST_WAIT_SECONDS; waited += pause, pause = Math.min(pause * 2, 10)) {
    if ((await cancelEmbeddings({ dataset })) === 0) return;
    await sleep(pause * 1000);
  }
}
