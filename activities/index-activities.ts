import { Context } from '@temporalio/activity';
import type { EmbeddingPlan } from '../core/embedding/plan.ts';
import { planEmbedding } from '../core/embedding/plan.ts';
import { recordModel } from '../core/embedding/record-model.ts';
import { type IndexPageCursor, indexPage } from '../core/indexing/index-page.ts';
import { createSourceLister } from '../core/indexing/list-source.ts';
import { reconcile } from '../core/indexing/reconcile.ts';
import {
  checkSource,
  openDataset,
  recordDevice,
  recordLoad,
  requireDataset,
  sourceError,
} from '../core/loads/begin.ts';
import { endLoad, endPhase, notePhaseWaits, startPhase } from '../core/loads/phases.ts';
import type { MediaKind } from '../core/media.ts';
import type { EmbeddingModel } from '../core/models/embedder.ts';
import { requireBelowRoots, type SourceRoots } from '../core/sources/source-roots.ts';
import type { LoadState, RecordedError, WaitReason } from '../core/store/documents.ts';
import type { Store } from '../core/store/store.ts';
import { EMBED_TASK_QUEUE, type EmbedDatasetInput, type LoadDatasetInput } from '../workflows/contract.ts';
import { withUserFailures } from './user-failures.ts';

export interface IndexDependencies {
  store: Store;
  media: MediaKind;
  /** Whether this namespace has Plimsoll's search attributes; asked for when the first job begins, once. */
  searchAttributes: boolean | (() => Promise<boolean>);
  /** Task queue of inference where an input names none; `plimsoll-gpu` if left out. */
  embedTaskQueue?: string | undefined;
  /** Folders that sources must be below; any folder if left out. */
  sourceRoots?: SourceRoots;
}

export interface BeginLoadInput {
  load_id: string;
  workflow_id: string;
  request: LoadDatasetInput;
}

export interface BeginEmbeddingInput {
  load_id: string;
  workflow_id: string;
  request: EmbedDatasetInput;
  /** True where the embedding is a job of its own, false where it is a phase of a load. */
  alone: boolean;
  task_queue: string;
}

export interface Capabilities {
  search_attributes: boolean;
  /** Where inference runs unless the input says. */
  embed_task_queue: string;
}

export interface EndLoadInput {
  load_id: string;
  state: LoadState;
  error?: RecordedError;
}

export interface ListSourceInput {
  load_id: string;
  dataset: string;
  source: string;
  page: number;
}

export interface IndexPageInput {
  load_id: string;
  dataset: string;
  page: number;
}

export interface ReconcileInput {
  load_id: string;
  dataset: string;
  source: string;
  max_failed_percent: number;
}

export interface NoteWaitingInput {
  load_id: string;
  reason: WaitReason;
  task_queue: string;
}

export interface ModelPhaseInput {
  load_id: string;
  dataset: string;
  model: EmbeddingModel;
}

export type IndexActivities = ReturnType<typeof createIndexActivities>;

/** Activities of the task queue `plimsoll`: everything that needs no accelerator. */
export function createIndexActivities(dependencies: IndexDependencies) {
  const { store, media, searchAttributes, embedTaskQueue, sourceRoots } = dependencies;
  const list = createSourceLister(store);
  const capabilities = async (): Promise<Capabilities> => ({
    search_attributes: typeof searchAttributes === 'function' ? await searchAttributes() : searchAttributes,
    embed_task_queue: embedTaskQueue ?? EMBED_TASK_QUEUE,
  });

  return withUserFailures({
    /** Records the load, then checks its source: so that a load which fails at once is on record, too. */
    async beginLoad({ load_id, workflow_id, request }: BeginLoadInput): Promise<Capabilities & { source: string }> {
      const { dataset, source, embed } = request;
      await recordLoad(store, {
        loadId: load_id,
        workflowId: workflow_id,
        kind: 'load',
        datasetId: dataset,
        request,
        embeds: embed,
      });
      await requireBelowRoots(source, sourceRoots);
      const root = await checkSource(source);
      await recordDevice(store, load_id, root);
      await openDataset(store, { datasetId: dataset, mediaType: media.mediaType, source: root, loadId: load_id });
      return { ...(await capabilities()), source: root };
    },

    /** Lists the source for about a second, from a page on. Heartbeats as the walk gets on. */
    async listSource({ load_id, dataset, source, page }: ListSourceInput) {
      const context = Context.current();
      try {
        return await list({
          loadId: load_id,
          datasetId: dataset,
          root: source,
          page,
          accepts: media.accepts,
          onStep: () => context.heartbeat({ page }),
          signal: context.cancellationSignal,
        });
      } catch (error) {
        throw sourceError(source, error);
      }
    },

    /** Indexes one page. Heartbeats where to resume from, after each write and as files are read. */
    async indexPage({ load_id, dataset, page }: IndexPageInput) {
      const context = Context.current();
      let cursor = context.info.heartbeatDetails as IndexPageCursor | undefined;
      return indexPage(store, media, {
        loadId: load_id,
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
    async reconcile({ load_id, dataset, source, max_failed_percent }: ReconcileInput) {
      const context = Context.current();
      const result = await reconcile(store, {
        loadId: load_id,
        datasetId: dataset,
        source,
        maxFailedPercent: max_failed_percent,
        onWrite: () => context.heartbeat(),
        signal: context.cancellationSignal,
      });
      await endPhase(store, load_id, 'indexing', 'completed');
      return result;
    },

    /** Records the embedding as a job of its own where it is one, and that it waits for a worker. */
    async beginEmbedding(input: BeginEmbeddingInput): Promise<Capabilities> {
      const { load_id, workflow_id, request } = input;
      if (input.alone) {
        await recordLoad(store, {
          loadId: load_id,
          workflowId: workflow_id,
          kind: 'embed',
          datasetId: request.dataset,
          request,
          embeds: true,
        });
        await requireDataset(store, request.dataset, load_id);
      }
      await notePhaseWaits(store, load_id, 'embedding', { reason: 'worker', task_queue: input.task_queue });
      return capabilities();
    },

    /** Records what phase 2 waits for. */
    async noteWaiting({ load_id, reason, task_queue }: NoteWaitingInput): Promise<void> {
      await notePhaseWaits(store, load_id, 'embedding', { reason, task_queue });
    },

    /** Finds what the dataset lacks of the model, and records that phase 2 has begun. Heartbeats the seq reached. */
    async planEmbedding({ load_id, dataset, model }: ModelPhaseInput): Promise<EmbeddingPlan> {
      const context = Context.current();
      const plan = await planEmbedding(store, {
        datasetId: dataset,
        modelKey: model.key,
        onScan: (seq) => context.heartbeat({ seq }),
        signal: context.cancellationSignal,
      });
      await startPhase(store, load_id, 'embedding', { model_key: model.key, total: plan.total, total_known: true });
      return plan;
    },

    /** Ends phase 2. */
    async finishEmbedding({ load_id, dataset, model }: ModelPhaseInput) {
      const counts = await recordModel(store, { loadId: load_id, datasetId: dataset, model });
      await endPhase(store, load_id, 'embedding', 'completed');
      return counts;
    },

    /** Ends the job. */
    async endLoad({ load_id, state, error }: EndLoadInput): Promise<void> {
      await endLoad(store, load_id, state, error);
    },
  });
}
