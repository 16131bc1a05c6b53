import { Context } from '@temporalio/activity';
import type { LoadDatasetInput, RetryFailedInput } from '../contract/inputs.ts';
import { loadWorkflowId } from '../contract/names.ts';
import { finishRetry, type RetryResult } from '../core/indexing/finish-retry.ts';
import { type IndexPageCursor, indexPage } from '../core/indexing/index-page.ts';
import { listFailed } from '../core/indexing/list-failed.ts';
import { createSourceLister, type ListResult } from '../core/indexing/list-source.ts';
import { reconcile } from '../core/indexing/reconcile.ts';
import { recordJob } from '../core/jobs/begin.ts';
import { endPhase } from '../core/jobs/phases.ts';
import type { Media, Medium } from '../core/media/medium.ts';
import { checkRules, createSelection } from '../core/sources/selection.ts';
import type { Sources } from '../core/sources/source.ts';
import { datasetDeletedMeanwhile } from '../core/store/dataset-errors.ts';
import { claimDataset, findDataset, getDataset, openDataset, openIndexing } from '../core/store/datasets.ts';
import { noteDevice } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import type { WebhookConfig } from '../core/webhooks/config.ts';
import { type Capabilities, type CapabilityDependencies, capabilitiesOf } from './capabilities.ts';
import { checkOptions } from './check-options.ts';
import { withHeartbeats } from './heartbeats.ts';
import { requireWorkflowId } from './require-workflow-id.ts';
import { withUserFailures } from './user-failures.ts';

export interface IndexingDependencies extends CapabilityDependencies {
  store: Store;
  media: Media;
  sources: Sources;
  /** If omitted, a job with webhooks is refused. */
  webhooks?: WebhookConfig;
}

export interface BeginInput<Request> {
  job_id: string;
  workflow_id: string;
  request: Request;
  /** True if an earlier run began the job. Its options were accepted then and are not checked again. */
  continued: boolean;
}

export interface ListSourceInput extends Pick<LoadDatasetInput, 'include' | 'exclude' | 'hidden' | 'reread'> {
  job_id: string;
  dataset: string;
  source: string;
  page: number;
}

export interface PageInput {
  job_id: string;
  dataset: string;
  page: number;
}

export interface IndexPageInput extends PageInput {
  /** Whether the listing took files that looked unchanged. */
  reread: boolean;
}

export interface ReconcileInput {
  job_id: string;
  dataset: string;
  source: string;
  max_failed_percent: number;
}

export type IndexingActivities = ReturnType<typeof createIndexingActivities>;

/** Creates the activities of phase 1 of a load and of a retry, which index pages in the same way. */
export function createIndexingActivities(dependencies: IndexingDependencies) {
  const { store, media, sources, webhooks } = dependencies;
  const list = createSourceLister(store, sources);
  const mediumOf = async (dataset: string): Promise<Medium> =>
    media.byName((await getDataset(store, dataset, datasetDeletedMeanwhile)).media_type);

  return withUserFailures({
    /** Records the load before it checks the source, so that a load which fails at once is on record too. */
    async beginLoad(input: BeginInput<LoadDatasetInput>): Promise<Capabilities & { source: string }> {
      const { job_id, workflow_id, request, continued } = input;
      const { dataset, source, embed } = request;
      const record = { jobId: job_id, workflowId: workflow_id, datasetId: dataset, request, embeds: embed };
      await recordJob(store, { ...record, kind: 'load' });
      requireWorkflowId(workflow_id, loadWorkflowId(dataset));
      if (!continued) {
        await checkOptions(request, webhooks);
        checkRules(request);
      }
      const root = await sources.of(source).check(source);
      await noteDevice(store, job_id, await sources.of(root).identity(root));
      const mediaType = (await findDataset(store, dataset))?.media_type ?? media.default.name;
      await openDataset(store, { datasetId: dataset, mediaType, source: root, jobId: job_id });
      return { ...(await capabilitiesOf(dependencies)), source: root };
    },

    /** Lists the source for about a second, starting with a page. Heartbeats at each step of the listing. */
    async listSource({ job_id, dataset, source, page, reread, ...rules }: ListSourceInput): Promise<ListResult> {
      const context = Context.current();
      const { accepts } = await mediumOf(dataset);
      return list({
        jobId: job_id,
        datasetId: dataset,
        root: source,
        page,
        selection: createSelection(accepts, rules),
        reread,
        onStep: () => context.heartbeat({ page }),
        signal: context.cancellationSignal,
      });
    },

    /** Indexes one page. Heartbeats the position to resume from, after each write and as files are read. */
    async indexPage({ job_id, dataset, page, reread }: IndexPageInput) {
      const context = Context.current();
      let cursor = context.info.heartbeatDetails as IndexPageCursor | undefined;
      const equipment = { medium: await mediumOf(dataset), sources };
      return indexPage(store, equipment, {
        jobId: job_id,
        datasetId: dataset,
        page,
        reread,
        resume: cursor,
        onWrite: (written) => {
          cursor = written;
          context.heartbeat(cursor);
        },
        onRead: () => context.heartbeat(cursor),
        signal: context.cancellationSignal,
      });
    },

    /** Marks missing files, refreshes the counts, and ends phase 1 of a load. */
    async reconcile({ job_id, dataset, source, max_failed_percent }: ReconcileInput) {
      const context = Context.current();
      return withHeartbeats(async () => {
        const result = await reconcile(store, await mediumOf(dataset), {
          jobId: job_id,
          datasetId: dataset,
          source,
          maxFailedPercent: max_failed_percent,
          onWrite: () => context.heartbeat(),
          signal: context.cancellationSignal,
        });
        await endPhase(store, job_id, 'indexing', 'completed');
        return result;
      });
    },

    /** Records the retry. */
    async beginRetry(input: BeginInput<RetryFailedInput>): Promise<Capabilities> {
      const { job_id, workflow_id, request, continued } = input;
      const { dataset, embed } = request;
      const record = { jobId: job_id, workflowId: workflow_id, datasetId: dataset, request, embeds: embed };
      await recordJob(store, { ...record, kind: 'retry' });
      requireWorkflowId(workflow_id, loadWorkflowId(dataset));
      if (!continued) await checkOptions(request, webhooks);
      await claimDataset(store, dataset, job_id);
      await openIndexing(store, dataset, job_id);
      return capabilitiesOf(dependencies);
    },

    /** Lists the samples that failed for about a second, starting with a page. Heartbeats after each page. */
    async listFailed({ job_id, dataset, page }: PageInput): Promise<ListResult> {
      const context = Context.current();
      return listFailed(store, sources, {
        jobId: job_id,
        datasetId: dataset,
        page,
        onStep: () => context.heartbeat({ page }),
        signal: context.cancellationSignal,
      });
    },

    /** Refreshes the counts and ends phase 1 of a retry. */
    async finishRetry({ job_id, dataset }: { job_id: string; dataset: string }): Promise<RetryResult> {
      return withHeartbeats(async () => {
        const result = await finishRetry(store, { jobId: job_id, datasetId: dataset });
        await endPhase(store, job_id, 'indexing', 'completed');
        return result;
      });
    },
  });
}
