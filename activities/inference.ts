import { Context } from '@temporalio/activity';
import { type EmbedChunkResult, embedChunk } from '../core/embedding/embed-chunk.ts';
import type { Embedder, EmbeddingModel } from '../core/embedding/embedder.ts';
import type { Chunk } from '../core/embedding/plan.ts';
import { createLimiter, type Limiter } from '../core/limits/limiter.ts';
import type { Media } from '../core/media/medium.ts';
import type { Sources } from '../core/sources/source.ts';
import type { Store } from '../core/store/store.ts';
import { ACTIVITY_TASKS, describeTaskQueue } from '../temporal/task-queues.ts';
import { withHeartbeats, withSteps } from './heartbeats.ts';
import { withRetryReports } from './retry-reports.ts';
import { createSearchIndexActivities, type SearchIndexDependencies } from './search-index.ts';
import { withUserFailures } from './user-failures.ts';

export interface InferenceDependencies extends SearchIndexDependencies {
  store: Store;
  embedder: Embedder;
  media: Media;
  sources: Sources;
}

export interface OpenModelInput {
  model: string;
  media_type: string;
}

export interface EmbedChunkInput {
  job_id: string;
  dataset: string;
  media_type: string;
  model: string;
  model_key: string;
  /** Embed only samples whose embedding failed before, and samples that this job has indexed. */
  only_failed: boolean;
  chunk: Chunk;
}

export interface OpenedModel extends EmbeddingModel {
  /** Workers that have polled the task queue lately, this one included: a hint, as Temporal lists dead ones too. */
  workers: number;
}

export interface EmbeddedChunk extends EmbedChunkResult {
  /** How long the only attempt took, in milliseconds; null if there were several. */
  worked_ms: number | null;
}

export type InferenceActivities = ReturnType<typeof createInferenceActivities>;

async function countWorkers(): Promise<number> {
  const { client, info, log } = Context.current();
  const { connection, options } = client;
  try {
    const queue = await describeTaskQueue(connection, options.namespace, info.taskQueue, ACTIVITY_TASKS);
    return Math.max(new Set(queue.pollers?.map(({ identity }) => identity)).size, 1);
  } catch (error) {
    log.debug('The workers of the task queue could not be counted', { error });
    return 1;
  }
}

/** Creates the activities of the GPU queues, which need a device. */
export function createInferenceActivities(dependencies: InferenceDependencies) {
  const { store, embedder, media, sources } = dependencies;
  const limiters = new Map<string, Limiter>();
  const limiterOf = (taskQueue: string) => {
    const limiter = limiters.get(taskQueue) ?? createLimiter(store, taskQueue);
    limiters.set(taskQueue, limiter);
    return limiter;
  };

  const activities = withUserFailures({
    ...createSearchIndexActivities(dependencies),

    /** Resolves and loads the model on the device that will run it. */
    async openModel({ model, media_type }: OpenModelInput): Promise<OpenedModel> {
      const { cancelled } = Context.current();
      return withHeartbeats(async () => {
        // Opening a model can't be stopped, so a worker that shuts down does not wait for it.
        const opened = await Promise.race([embedder.open(model, media.byName(media_type)), cancelled]);
        return { ...opened, workers: await countWorkers() };
      });
    },

    /**
     * Embeds the samples of a chunk that lack a vector. Says how long it worked, so that its workflow knows how long it
     * waited.
     */
    async embedChunk(input: EmbedChunkInput): Promise<EmbeddedChunk> {
      const { job_id, dataset, media_type, model, model_key, only_failed, chunk } = input;
      const { taskQueue, attempt } = Context.current().info;
      const beganAt = performance.now();
      const equipment = { embedder, medium: media.byName(media_type), sources, limiter: limiterOf(taskQueue) };
      const count = await withSteps(({ onStep, signal }) =>
        embedChunk(store, equipment, {
          jobId: job_id,
          datasetId: dataset,
          model,
          modelKey: model_key,
          onlyFailed: only_failed,
          chunk,
          onWrite: (written) => onStep({ chunk, ...written }),
          onSignOfLife: () => onStep(),
          signal,
        }),
      );
      return { ...count, worked_ms: attempt === 1 ? Math.round(performance.now() - beganAt) : null };
    },
  });
  return withRetryReports(store, activities);
}
