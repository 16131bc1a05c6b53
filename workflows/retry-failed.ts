import { continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { IndexingActivities } from '../activities/indexing.ts';
import { type RetryFailedRequest, retryFailedInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { priorityOf } from '../contract/priority.ts';
import { longWork, shortWork } from './activity-options.ts';
import { parseStart } from './parse-input.ts';
import type { IndexingCursor } from './run-indexing.ts';
import { runLoad } from './run-load.ts';

/**
 * Reads the files of a dataset again that could not be read. Then embeds the samples whose embedding failed, and those
 * that it has just read. Start it with the Workflow ID of a load of the dataset, so that no load runs at the same time.
 * Files that fail again do not fail the job.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under retryFailed.
 *
 * @param resume set by the workflow itself when it continues as new
 */
export async function retryFailed(request: RetryFailedRequest, resume?: IndexingCursor): Promise<JobStatus> {
  const input = parseStart(retryFailedInput, request, resume);
  const { dataset } = input;
  const priority = priorityOf(input);
  const { beginRetry } = proxyActivities<IndexingActivities>({ ...shortWork, priority });
  const { listFailed, indexPage, finishRetry } = proxyActivities<IndexingActivities>({ ...longWork, priority });
  let toEmbed = true;
  return runLoad({
    kind: 'retry',
    input,
    resume,
    async begin({ jobId: job_id, workflowId: workflow_id }) {
      const capabilities = await beginRetry({
        job_id,
        workflow_id,
        request: input,
        continued: resume !== undefined,
      });
      return {
        capabilities,
        steps: {
          list: (page) => listFailed({ job_id, dataset, page }),
          index: (page) => indexPage({ job_id, dataset, page, reread: false }),
          async finish() {
            const result = await finishRetry({ job_id, dataset });
            // The model that is to serve is recorded by the second phase, even if that has nothing to embed.
            toEmbed = result.to_embed || input.switch;
            return result;
          },
        },
      };
    },
    // With nothing to embed, the job must not wait for an embedding worker.
    needsEmbedding: () => toEmbed,
    continueAsNew: (cursor) => continueAsNew<typeof retryFailed>(request, cursor),
  });
}
