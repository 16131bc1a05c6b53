import { Context } from '@temporalio/activity';
import type { RetryFailedInput } from '../contract/inputs.ts';
import { EMBEDDING_TASK_QUEUE, loadWorkflowId } from '../contract/names.ts';
import { finishRetry, type RetryResult } from '../core/indexing/finish-retry.ts';
import { listFailed } from '../core/indexing/list-failed.ts';
import type { ListResult } from '../core/indexing/list-source.ts';
import { openIndexing, recordJob, requireDataset } from '../core/jobs/begin.ts';
import { endPhase } from '../core/jobs/phases.ts';
import { checkOptions } from './check-options.ts';
import { withHeartbeats } from './heartbeats.ts';
import type { Capabilities, IndexDependencies } from './index-activities.ts';
import { requireWorkflowId } from './require-workflow-id.ts';
import { withUserFailures } from './user-failures.ts';

export type RetryDependencies = Pick<
  IndexDependencies,
  'store' | 'searchAttributes' | 'embedTaskQueue' | 'webhooks' | 'sourceRoots'
>;

export interface BeginRetryInput {
  job_id: string;
  workflow_id: string;
  request: RetryFailedInput;
  /** Whether a run before this one has begun it. */
  continued: boolean;
}

export interface ListFailedInput {
  job_id: string;
  dataset: string;
  page: number;
}

export type RetryActivities = ReturnType<typeof createRetryActivities>;

/** Activities that retry what failed; the pages that they list are indexed as those of a load are. */
export function createRetryActivities(dependencies: RetryDependencies) {
  const { store, searchAttributes, embedTaskQueue, webhooks, sourceRoots } = dependencies;
  return withUserFailures({
    /** Records the retry. */
    async beginRetry({ job_id, workflow_id, request, continued }: BeginRetryInput): Promise<Capabilities> {
      const { dataset, embed } = request;
      await recordJob(store, {
        jobId: job_id,
        workflowId: workflow_id,
        kind: 'retry',
        datasetId: dataset,
        request,
        embeds: embed,
      });
      requireWorkflowId(workflow_id, loadWorkflowId(dataset));
      if (!continued) await checkOptions(request, webhooks);
      await requireDataset(store, dataset, job_id);
      await openIndexing(store, dataset, job_id);
      return {
        search_attributes: await searchAttributes(),
        embed_task_queue: embedTaskQueue ?? EMBEDDING_TASK_QUEUE,
      };
    },

    /** Lists what failed for about a second, from a page on. Heartbeats after each page. */
    async listFailed({ job_id, dataset, page }: ListFailedInput): Promise<ListResult> {
      const context = Context.current();
      return listFailed(store, {
        jobId: job_id,
        datasetId: dataset,
        page,
        roots: sourceRoots,
        onStep: () => context.heartbeat({ page }),
        signal: context.cancellationSignal,
      });
    },

    /** Ends phase 1 of a retry. */
    async finishRetry({ job_id, dataset }: { job_id: string; dataset: string }): Promise<RetryResult> {
      return withHeartbeats(async () => {
        const result = await finishRetry(store, { jobId: job_id, datasetId: dataset });
        await endPhase(store, job_id, 'indexing', 'completed');
        return result;
      });
    },
  });
}
