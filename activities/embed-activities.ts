import { Context } from '@temporalio/activity';
import { embedChunk } from '../core/embedding/embed-chunk.ts';
import type { Chunk } from '../core/embedding/plan.ts';
import { createLimiter, type Limiter } from '../core/limits/limiter.ts';
import type { Embedder, EmbeddingModel } from '../core/models/embedder.ts';
import type { Store } from '../core/store/store.ts';
import { withHeartbeats } from './heartbeats.ts';
import { withUserFailures } from './user-failures.ts';

export interface EmbedDependencies {
  store: Store;
  embedder: Embedder;
}

export interface OpenModelInput {
  model: string;
}

export interface EmbedChunkInput {
  job_id: string;
  dataset: string;
  model: string;
  model_key: string;
  /** Only what could not be embedded before, and what this load has indexed. */
  only_failed: boolean;
  chunk: Chunk;
}

export type EmbedActivities = ReturnType<typeof createEmbedActivities>;

/** Activities of the task queue `plimsoll-gpu`. */
export function createEmbedActivities({ store, embedder }: EmbedDependencies) {
  const limiters = new Map<string, Limiter>();
  const limiterOf = (taskQueue: string) => {
    const limiter = limiters.get(taskQueue) ?? createLimiter(store, taskQueue);
    limiters.set(taskQueue, limiter);
    return limiter;
  };

  return withUserFailures({
    /** Resolves and loads the model where it will run. */
    async openModel({ model }: OpenModelInput): Promise<EmbeddingModel> {
      const { cancelled } = Context.current();
      // Opening can't be stopped. A worker that shuts down hands it back in place of holding on to it.
      return withHeartbeats(() => Promise.race([embedder.open(model), cancelled]));
    },

    /** Embeds what a chunk lacks. Heartbeats its counts after each batch that is stored, and when the device ends one. */
    async embedChunk({ job_id, dataset, model, model_key, only_failed, chunk }: EmbedChunkInput) {
      const context = Context.current();
      let count = { done: 0, failed: 0 };
      const beat = () => context.heartbeat({ chunk, ...count });
      return embedChunk(store, embedder, {
        jobId: job_id,
        datasetId: dataset,
        model,
        modelKey: model_key,
        onlyFailed: only_failed,
        chunk,
        limiter: limiterOf(context.info.taskQueue),
        onWrite: (written) => {
          count = { ...written };
          beat();
        },
        onSignOfLife: beat,
        signal: context.cancellationSignal,
      });
    },
  });
}
