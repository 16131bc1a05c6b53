import { Context } from '@temporalio/activity';
import type { EmbedDatasetInput, LoadDatasetInput } from '../contract/inputs.ts';
import type { JobState, RecordedError, WaitReason } from '../contract/job.ts';
import { EMBEDDING_TASK_QUEUE, embedWorkflowId, loadWorkflowId } from '../contract/names.ts';
import type { EmbedWindow } from '../contract/options.ts';
import { windowAt } from '../core/embedding/embed-window.ts';
import { openChunks } from '../core/embedding/open-chunks.ts';
import type { EmbeddingPlan } from '../core/embedding/plan.ts';
import { planEmbedding } from '../core/embedding/plan.ts';
import { recordModel } from '../core/embedding/record-model.ts';
import { type IndexPageCursor, indexPage } from '../core/indexing/index-page.ts';
import { createSourceLister } from '../core/indexing/list-source.ts';
import { reconcile } from '../core/indexing/reconcile.ts';
import { checkSource, openDataset, recordDevice, recordJob, requireDataset, sourceError } from '../core/jobs/begin.ts';
import { endJob, endPhase, notePaused, notePhaseWaits, noteResumed, startPhase } from '../core/jobs/phases.ts';
import type { MediaKind } from '../core/media/medium.ts';
import type { EmbeddingModel } from '../core/models/embedder.ts';
import { requireBelowRoots, type SourceRoots } from '../core/sources/folder/source-roots.ts';
import type { Store } from '../core/store/store.ts';
import type { WebhookConfig } from '../core/webhooks/config.ts';
import { checkOptions } from './check-options.ts';
import { withHeartbeats } from './heartbeats.ts';
import { requireWorkflowId } from './require-workflow-id.ts';
import { withUserFailures } from './user-failures.ts';

export interface IndexDependencies {
  store: Store;
  media: MediaKind;
  /** Whether this namespace has Plimsoll's search attributes. */
  searchAttributes: () => Promise<boolean>;
  /** Task queue of inference where an input names none; `plimsoll-gpu` if left out. */
  embedTaskQueue?: string | undefined;
  /** Without it, a load that asks for a webhook is refused. */
  webhooks?: WebhookConfig;
  /** Folders that sources must be below; any folder if left out. */
  sourceRoots?: SourceRoots;
}

export interface BeginLoadInput {
  job_id: string;
  workflow_id: string;
  request: LoadDatasetInput;
  /** Whether a run before this one has begun it: what has been accepted is not refused half-way. */
  continued: boolean;
}

export interface BeginEmbeddingInput {
  job_id: string;
  workflow_id: string;
  request: EmbedDatasetInput;
  /** Whether a run before this one has begun it. */
  continued: boolean;
  /** True where the embedding is a job of its own, false where it is a phase of a load. */
  alone: boolean;
}

export interface Capabilities {
  search_attributes: boolean;
  /** Where inference runs unless the input says. */
  embed_task_queue: string;
}

export interface EndJobInput {
  job_id: string;
  state: JobState;
  error?: RecordedError;
}

export interface ListSourceInput {
  job_id: string;
  dataset: string;
  source: string;
  page: number;
}

export interface IndexPageInput {
  job_id: string;
  dataset: string;
  page: number;
}

export interface ReconcileInput {
  job_id: string;
  dataset: string;
  source: string;
  max_failed_percent: number;
}

export interface NoteWaitingInput {
  job_id: string;
  reason: WaitReason;
  task_queue?: string;
  /** RFC 3339. */
  until?: string;
}

export interface NotePausedInput {
  job_id: string;
  paused: boolean;
  /** RFC 3339. */
  at: string;
}

export interface WindowInput {
  /** The workflow's time, in milliseconds. */
  now: number;
  embed_at: string | undefined;
  embed_window: EmbedWindow | undefined;
}

export interface WindowAnswer {
  open: boolean;
  /** What there is to wait for where it is not open. */
  reason: 'window' | 'time';
  /** When that changes, in milliseconds; null where it stays open. */
  changes_at: number | null;
}

export interface ModelPhaseInput {
  job_id: string;
  dataset: string;
  model: EmbeddingModel;
}

export interface PlanEmbeddingInput extends ModelPhaseInput {
  /** Only what could not be embedded before, and what this load has indexed. */
  only_failed: boolean;
}

export type IndexActivities = ReturnType<typeof createIndexActivities>;

/** Activities of the task queue `plimsoll`: everything that needs no accelerator. */
export function createIndexActivities(dependencies: IndexDependencies) {
  const { store, media, searchAttributes, embedTaskQueue, sourceRoots, webhooks } = dependencies;
  const list = createSourceLister(store);
  const capabilities = async (): Promise<Capabilities> => ({
    search_attributes: await searchAttributes(),
    embed_task_queue: embedTaskQueue ?? EMBEDDING_TASK_QUEUE,
  });

  return withUserFailures({
    /** Records the load, then checks its source: so that a load which fails at once is on record, too. */
    async beginLoad(input: BeginLoadInput): Promise<Capabilities & { source: string }> {
      const { job_id, workflow_id, request, continued } = input;
      const { dataset, source, embed } = request;
      await recordJob(store, {
        jobId: job_id,
        workflowId: workflow_id,
        kind: 'load',
        datasetId: dataset,
        request,
        embeds: embed,
      });
      requireWorkflowId(workflow_id, loadWorkflowId(dataset));
      if (!continued) await checkOptions(request, webhooks);
      await requireBelowRoots(source, sourceRoots);
      const root = await checkSource(source);
      await recordDevice(store, job_id, root);
      await openDataset(store, { datasetId: dataset, mediaType: media.mediaType, source: root, jobId: job_id });
      return { ...(await capabilities()), source: root };
    },

    /** Lists the source for about a second, from a page on. Heartbeats as the walk gets on. */
    async listSource({ job_id, dataset, source, page }: ListSourceInput) {
      const context = Context.current();
      try {
        return await list({
          jobId: job_id,
          datasetId: dataset,
          root: source,
          page,
          accepts: media.accepts,
          roots: sourceRoots,
          onStep: () => context.heartbeat({ page }),
          signal: context.cancellationSignal,
        });
      } catch (error) {
        throw sourceError(source, error);
      }
    },

    /** Indexes one page. Heartbeats where to resume from, after each write and as files are read. */
    async indexPage({ job_id, dataset, page }: IndexPageInput) {
      const context = Context.current();
      let cursor = context.info.heartbeatDetails as IndexPageCursor | undefined;
      return indexPage(store, media, {
        jobId: job_id,
        datasetId: dataset,
        page,
        resume: cursor,
        onWrite: (written) => {
          cursor = written;
          context.heartbeat(cursor);
        },
        onRead: () => context.heartbeat(cursor),
        signal: context.cancellationSignal,
      });
    },

    /** Ends phase 1. */
    async reconcile({ job_id, dataset, source, max_failed_percent }: ReconcileInput) {
      const context = Context.current();
      return withHeartbeats(async () => {
        const result = await reconcile(store, {
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

    /** Records the embedding as a job of its own where it is one. */
    async beginEmbedding(input: BeginEmbeddingInput): Promise<Capabilities> {
      const { job_id, workflow_id, request, continued } = input;
      if (input.alone) {
        await recordJob(store, {
          jobId: job_id,
          workflowId: workflow_id,
          kind: 'embed',
          datasetId: request.dataset,
          request,
          embeds: true,
        });
        requireWorkflowId(workflow_id, embedWorkflowId(request.dataset, request.model));
        await requireDataset(store, request.dataset, job_id);
      }
      if (!continued) await checkOptions(request, webhooks);
      return capabilities();
    },

    /** Whether there is leave to embed at a time, and until when. */
    async windowAt({ now, embed_at, embed_window }: WindowInput): Promise<WindowAnswer> {
      const begins = embed_at === undefined ? now : Date.parse(embed_at);
      if (now < begins) return { open: false, reason: 'time', changes_at: begins };
      if (embed_window === undefined) return { open: true, reason: 'window', changes_at: null };
      const { open, changesAt } = windowAt(embed_window, new Date(now));
      return { open, reason: 'window', changes_at: changesAt.getTime() };
    },

    /** Records what phase 2 waits for. */
    async noteWaiting({ job_id, until, ...waiting }: NoteWaitingInput): Promise<void> {
      await notePhaseWaits(store, job_id, 'embedding', {
        ...waiting,
        ...(until === undefined ? {} : { until: new Date(until) }),
      });
    },

    /** Records that phase 2 goes on. */
    async startEmbedding({ job_id }: { job_id: string }): Promise<void> {
      await startPhase(store, job_id, 'embedding');
    },

    /** Records that a load was paused or resumed. */
    async notePaused({ job_id, paused, at }: NotePausedInput): Promise<void> {
      const note = paused ? notePaused : noteResumed;
      await note(store, job_id, new Date(at));
    },

    /** Has Temporal cancel a run, so that Temporal shows it as canceled, too. */
    async requestCancel({ workflow_id, run_id }: { workflow_id: string; run_id: string }): Promise<void> {
      await Context.current().client.workflow.getHandle(workflow_id, run_id).cancel();
    },

    /** Finds what the dataset lacks of the model, and records that phase 2 has begun. Heartbeats the seq reached. */
    async planEmbedding({ job_id, dataset, model, only_failed }: PlanEmbeddingInput): Promise<EmbeddingPlan> {
      const context = Context.current();
      return withHeartbeats(async () => {
        const plan = await planEmbedding(store, {
          datasetId: dataset,
          modelKey: model.key,
          onlyFailedOf: only_failed ? job_id : undefined,
          onScan: (seq) => context.heartbeat({ seq }),
          signal: context.cancellationSignal,
        });
        await openChunks(store, job_id, plan);
        await startPhase(store, job_id, 'embedding', { model_key: model.key, total: plan.total, total_known: true });
        return plan;
      });
    },

    /** Ends phase 2. */
    async finishEmbedding({ job_id, dataset, model }: ModelPhaseInput) {
      return withHeartbeats(async () => {
        const counts = await recordModel(store, { jobId: job_id, datasetId: dataset, model });
        await endPhase(store, job_id, 'embedding', 'completed');
        return counts;
      });
    },

    /** Ends the job. */
    async endJob({ job_id, state, error }: EndJobInput): Promise<void> {
      await endJob(store, job_id, state, error);
    },
  });
}
