import type { EmbedDatasetInput, IndexVectorsInput } from '../contract/inputs.ts';
import type { IndexKind, IndexStatus, WaitReason } from '../contract/job.ts';
import { embedWorkflowId } from '../contract/names.ts';
import type { EmbedWindow } from '../contract/options.ts';
import { windowAt } from '../core/embedding/embed-window.ts';
import type { EmbeddingModel } from '../core/embedding/embedder.ts';
import { type EmbeddingPlan, openChunks, planEmbedding } from '../core/embedding/plan.ts';
import { recordModel } from '../core/embedding/record-model.ts';
import { requireSameLength } from '../core/embedding/require-same-length.ts';
import { endPhase, notePhaseWaits, startPhase } from '../core/jobs/phases.ts';
import { requireOpenJob } from '../core/jobs/runs.ts';
import { indexNeeded, kindFor } from '../core/search/build-index.ts';
import { modelToSearch } from '../core/search/model-to-search.ts';
import { claimDataset, getDataset, keepModel } from '../core/store/datasets.ts';
import { countVectors } from '../core/store/embeddings.ts';
import { jobEnded } from '../core/store/job-errors.ts';
import { setPhaseFields } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import type { WebhookConfig } from '../core/webhooks/config.ts';
import { type Capabilities, type CapabilityDependencies, capabilitiesOf } from './capabilities.ts';
import { checkOptions } from './check-options.ts';
import { withHeartbeats, withSteps } from './heartbeats.ts';
import { type BeginInput, isCurrentRun, ofOpenJobs, recordRun, runOfActivity } from './job-runs.ts';
import { requireWorkflowId } from './require-workflow-id.ts';
import { withUserFailures } from './user-failures.ts';

export interface EmbeddingDependencies extends CapabilityDependencies {
  store: Store;
  /** If omitted, an embed job with webhooks is refused. */
  webhooks?: WebhookConfig;
  /** An index is built for this many vectors and more; 10,000 if left out. */
  indexFrom?: number | undefined;
}

export interface BeginEmbeddingInput extends BeginInput<EmbedDatasetInput> {
  /** True for a job of its own, false for a phase of a load or a retry. */
  alone: boolean;
}

export interface BegunEmbedding extends Capabilities {
  /** Media type of the dataset's samples. */
  media_type: string;
}

export interface WindowInput {
  /** The workflow's time, in milliseconds since the epoch. */
  now: number;
  embed_at: string | undefined;
  embed_window: EmbedWindow | undefined;
}

export interface WindowAnswer {
  open: boolean;
  /** The reason to wait while `open` is false. */
  reason: 'window' | 'time';
  /** When `open` changes, in milliseconds since the epoch; null if it stays open. */
  changes_at: number | null;
}

export interface NoteWaitingInput {
  job_id: string;
  reason: WaitReason;
  task_queue?: string;
  /** RFC 3339. */
  until?: string;
}

export interface ModelPhaseInput {
  job_id: string;
  dataset: string;
  model: EmbeddingModel;
}

export interface PlanEmbeddingInput extends ModelPhaseInput {
  /** Embed only samples whose embedding failed before, and samples that this job has indexed. */
  only_failed: boolean;
}

export interface FinishEmbeddingInput extends ModelPhaseInput {
  /** The model, as the job named it. */
  asked: string;
  /** The index that the job asked for. */
  index?: EmbedDatasetInput['index'];
  /** Whether the model is to serve searches from now on. */
  switch?: boolean;
}

/** The index to build once the embedding is done. */
export interface BegunIndex extends Capabilities {
  model: { key: string; dim: number };
  kind: IndexKind;
  /** Vectors that it will hold. */
  total: number;
  /** The queue of the workers that build it. */
  task_queue: string;
}

export type EmbeddingActivities = ReturnType<typeof createEmbeddingActivities>;

/** Creates the activities of phase 2 that need no device: plan the embedding, time it, and record its end. */
export function createEmbeddingActivities(dependencies: EmbeddingDependencies) {
  const { store, webhooks, indexFrom } = dependencies;
  return withUserFailures({
    /** Records the embedding if it is a job of its own, checks its options, and records that it waits for a worker. */
    async beginEmbedding(input: BeginEmbeddingInput): Promise<BegunEmbedding> {
      const { job_id, workflow_id, request, continued, alone } = input;
      const { dataset, model } = request;
      if (alone) {
        await recordRun(store, { kind: 'embed', dataset, embeds: true }, input);
        requireWorkflowId(workflow_id, embedWorkflowId(dataset, model));
        await claimDataset(store, dataset, job_id);
      }
      // The load was reset with its embedding, or the embedding alone, after the load had ended.
      else await requireOpenJob(store, job_id);
      if (!continued) await checkOptions(request, webhooks);
      const { media_type } = await getDataset(store, dataset);
      const capabilities = await capabilitiesOf(dependencies);
      if (!continued) {
        const task_queue = request.embed_task_queue ?? capabilities.embed_task_queue;
        await notePhaseWaits(store, job_id, 'embedding', { reason: 'worker', task_queue });
      }
      return { ...capabilities, media_type };
    },

    /** Tells whether embedding is permitted at a time, and until when. */
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

    /** Records the building of an index as a job, and chooses its kind. */
    async beginIndex(input: BeginInput<IndexVectorsInput>): Promise<BegunIndex> {
      const { job_id, workflow_id, request } = input;
      const { dataset, model_key } = request;
      await recordRun(store, { kind: 'index', dataset, embeds: true }, input);
      requireWorkflowId(workflow_id, embedWorkflowId(dataset, request.model));
      await claimDataset(store, dataset, job_id);
      const { key, dim } = await modelToSearch(store, await getDataset(store, dataset), model_key);
      const total = await countVectors(store, { datasetId: dataset, modelKey: key });
      const kind = request.kind === 'auto' ? kindFor(total) : request.kind;
      const capabilities = await capabilitiesOf(dependencies);
      const task_queue = request.embed_task_queue ?? capabilities.embed_task_queue;
      await setPhaseFields(store, job_id, 'embedding', { model_key: key, index: { kind, done: 0, total } });
      await notePhaseWaits(store, job_id, 'embedding', { reason: 'worker', task_queue });
      return { ...capabilities, model: { key, dim }, kind, total, task_queue };
    },

    /** Records that phase 2 is running again. */
    async startEmbedding({ job_id }: { job_id: string }): Promise<void> {
      await startPhase(store, job_id, 'embedding');
    },

    ...ofOpenJobs(store, {
      /** Plans which samples to embed with the model and records that phase 2 has begun. */
      async planEmbedding({ job_id, dataset, model, only_failed }: PlanEmbeddingInput): Promise<EmbeddingPlan> {
        return withSteps(async ({ onStep, signal }) => {
          const planned_at = new Date();
          await requireSameLength(store, dataset, model);
          const plan = await planEmbedding(store, {
            datasetId: dataset,
            modelKey: model.key,
            onlyFailedOf: only_failed ? job_id : undefined,
            onScan: () => onStep(),
            signal,
          });
          // An attempt of the run before a reset must not take the counts of the run after it.
          if (!(await isCurrentRun())) throw jobEnded(job_id);
          await openChunks(store, { jobId: job_id, runId: runOfActivity().runId }, plan);
          await startPhase(store, job_id, 'embedding', {
            model_key: model.key,
            device: model.device,
            planned_at,
            total: plan.total,
            total_known: true,
          });
          await keepModel(store, dataset, model.key);
          return plan;
        });
      },

      /**
       * Records the model on the dataset, lets it serve if that was asked for, and ends phase 2 unless its vectors need an
       * index.
       */
      async finishEmbedding({
        job_id,
        dataset,
        model,
        asked,
        switch: switches = false,
        index = 'auto',
      }: FinishEmbeddingInput) {
        return withHeartbeats(async () => {
          const counts = await recordModel(store, { jobId: job_id, datasetId: dataset, model, asked, switches });
          const set = { datasetId: dataset, modelKey: model.key, dim: model.dim };
          const needed: IndexStatus | null = await indexNeeded(store, set, index, indexFrom);
          if (needed === null) await endPhase(store, job_id, 'embedding', 'completed');
          else await setPhaseFields(store, job_id, 'embedding', { index: needed });
          return { ...counts, index: needed };
        });
      },
    }),
  });
}
