/**
 * A load, step by step. `runLoad` (run-load.ts) runs the steps in this order; `retryFailed` runs the same steps over
 * the files that failed.
 *
 * Temporal's history owns the position. When a worker dies in a workflow, another worker replays the history. When a
 * worker dies in an activity, Temporal starts another attempt. "Died" says what that attempt finds; every step can be
 * repeated. The collection in parentheses owns what the step wrote.
 *
 *  1. Record (`jobs`). `beginLoad` writes the job's record first, so a load that fails at once is on record.
 *     Died: writing the record again changes nothing.
 *  2. Check the source (`datasets`). `beginLoad` checks options and source, notes the disk, and opens the dataset.
 *     Died: it checks again; opening the dataset again changes nothing.
 *  3. List pages (`pages`). `listSource` compares the listing with the stored samples and writes pages of new and
 *     changed files, for about a second per call. Died: the listing continues after the last stored page.
 *  4. Index pages (`samples`, counts in `progress`). `indexPage` reads files and writes samples, four pages at a time,
 *     while step 3 goes on. Its heartbeat carries the batches written. Died: it resumes after the last of them; a batch
 *     that is repeated gives the same samples.
 *  5. Reconcile (`samples`, `datasets`). `reconcile` marks files that the listing did not see as missing, refreshes the
 *     counts, and ends phase 1. Died: it marks the same files again. It removes the pages last.
 *  6. Announce `dataset.browsable`. `announce` starts a `deliverWebhook` child per webhook. The child outlives the
 *     load. Died: the Workflow ID prevents a second child; every attempt carries the same webhook ID.
 *  7. Start the embedding child. embedding-phase.ts starts `embedDataset`, and waits first if another job embeds the
 *     same dataset and model. `openModel` waits on the GPU queue for a worker. `noteWaiting` records the wait (`jobs`).
 *     Died: the child has a history of its own; `openModel` runs again.
 *  8. Plan shards (`progress`; the plan itself is in the child's history). `planEmbedding` finds the samples without a
 *     vector, cuts them into chunks and shards, and opens a count for each chunk. Died: it plans again.
 *  9. Embed chunks (`embeddings`, counts in `progress`). Each shard is a child `embedShard`; its `embedChunk`
 *     activities run on the GPU queue. Died: the next attempt embeds what still lacks a vector; only batches under way
 *     are lost.
 * 10. Record the model (`datasets.models`). `finishEmbedding` counts the vectors and ends phase 2. Died: it counts
 *     again.
 * 11. End the job and announce `dataset.ready`. `endJob` closes the record (`jobs`) and removes pages and progress;
 *     `announce` works as in step 6. Died: ending the job again changes nothing.
 *
 * A failure or a cancel at any step takes `runJob` (run-job.ts) to `endJob` and the webhooks. Pause, resume and cancel
 * arrive in operate.ts. A long history continues as new with a cursor: `IndexingCursor` or `EmbeddingCursor`.
 */
import { continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { IndexingActivities } from '../activities/indexing.ts';
import { type LoadDatasetRequest, loadDatasetInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { priorityOf } from '../contract/priority.ts';
import { longWork, shortWork } from './activity-options.ts';
import { parseInput } from './parse-input.ts';
import type { IndexingCursor } from './run-indexing.ts';
import { runLoad } from './run-load.ts';

/**
 * Loads a folder into a dataset. Phase 1 indexes it, and the dataset can be browsed from the first page on. Phase 2,
 * the child workflow embedDataset, embeds it in the background.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under loadDataset.
 *
 * @param resume set by the workflow itself when it continues as new
 */
export async function loadDataset(request: LoadDatasetRequest, resume?: IndexingCursor): Promise<JobStatus> {
  const input = parseInput(loadDatasetInput, request);
  const { dataset, max_failed_percent } = input;
  const priority = priorityOf(input);
  const { beginLoad } = proxyActivities<IndexingActivities>({ ...shortWork, priority });
  const { listSource, indexPage, reconcile } = proxyActivities<IndexingActivities>({ ...longWork, priority });
  return runLoad({
    kind: 'load',
    input,
    resume,
    async begin({ jobId: job_id, workflowId: workflow_id }) {
      const { source, ...capabilities } = await beginLoad({
        job_id,
        workflow_id,
        request: input,
        continued: resume !== undefined,
      });
      return {
        capabilities,
        steps: {
          list: (page) => listSource({ job_id, dataset, source, page }),
          index: (page) => indexPage({ job_id, dataset, page }),
          finish: () => reconcile({ job_id, dataset, source, max_failed_percent }),
        },
      };
    },
    continueAsNew: (cursor) => continueAsNew<typeof loadDataset>(request, cursor),
  });
}
