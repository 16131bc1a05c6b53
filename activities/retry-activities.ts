import { Context } from '@temporalio/activity';
import { finishRetry, type RetryResult } from '../core/indexing/finish-retry.ts';
import { listFailed } from '../core/indexing/list-failed.ts';
import type { ListResult } from '../core/indexing/list-source.ts';
import { openIndexing, recordLoad, requireDataset } from '../core/loads/begin.ts';
import { endPhase } from '../core/loads/phases.ts';
import { EMBED_TASK_QUEUE, loadWorkflowId, type RetryFailedInput } from '../workflows/contract.ts';
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
  load_id: string;
  workflow_id: string;
  request: RetryFailedInput;
  /** Whether a run before this one has begun it. */
  continued: boolean;
}

export interface ListFailedInput {
  load_id: string;
  dataset: string;
  page: number;
}

export type RetryActivities = ReturnType<typeof createRetryActivities>;

/** Activities that retry what failed; the pages that they list are indexed as those of a load are. */
export function createRetryActivities(dependencies: RetryDependencies) {
  const { store, searchAttributes, embedTaskQueue, webhooks, sourceRoots } = dependencies;
  return withUserFailures({
    /** Records the retry. */
    async beginRetry({ load_id, workflow_id, request, continued }: BeginRetryInput): Promise<Capabilities> {
      const { dataset, embed } = request;
      await recordLoad(store, {
        loadId: load_id,
        workflowId: workflow_id,
        kind: 'retry',
        datasetId: dataset,
        request,
        embeds: embed,
      });
      requireWorkflowId(workflow_id, loadWorkflowId(dataset));
      if (!continued) await checkOptions(request, webhooks);
      await requireDataset(store, dataset, load_id);
      await openIndexing(store, dataset, load_id);
      return {
        search_attributes: await searchAttributes(),
        embed_task_queue: embedTaskQueue ?? EMBED_TASK_QUEUE,
      };
    },

    /** Lists what failed for about a second, from a page on. Heartbeats after each page. */
    async listFailed({ load_id, dataset, page }: ListFailedInput): Promise<ListResult> {
      const context = Context.current();
      return listFailed(store, {
        loadId: load_id,
        datasetId: dataset,
        page,
        roots: sourceRoots,
        onStep: () => context.heartbeat({ page }),
        signal: context.cancellationSignal,
      });
    },

    /** Ends phase 1 of a retry. */
    async finishRetry({ load_id, dataset }: { load_id: string; dataset: string }): Promise<RetryResult> {
      return withHeartbeats(async () => {
        const result = await finishRetry(store, { loadId: load_id, datasetId: dataset });
        await endPhase(store, load_id, 'indexing', 'completed');
        return result;
      });
    },
  });
}
