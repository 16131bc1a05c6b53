import {
  CancellationScope,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { InferenceActivities } from '../activities/inference.ts';
import { priorityOf, type QueueOptions } from '../contract/priority.ts';
import type { Chunk } from '../core/embedding/plan.ts';
import { inferenceWork } from './activity-options.ts';
import { isInterruption } from './failures.ts';
import { holdShard, NOTHING_DONE, type ShardCount, shardProgress } from './messages.ts';
import { runPool } from './pool.ts';
import { tellParent } from './report-to-load.ts';

/** Two chunks keep a device busy: the next is ready when one ends. */
const CHUNKS_AT_ONCE = 2;

export interface EmbedShardInput extends QueueOptions {
  job_id: string;
  dataset: string;
  media_type: string;
  model: string;
  model_key: string;
  /** Embed only samples whose embedding failed before, and samples that this job has indexed. */
  only_failed: boolean;
  /** Task queue of the chunks. The shard runs on its parent's queue, so it sees a cancel even if no device is there. */
  embed_task_queue: string;
  /** Index of this shard in its parent's plan. */
  shard: number;
  chunks: Chunk[];
  /** Reports progress to the parent after this many chunks. */
  report_every: number;
}

export interface EmbedShardResult extends ShardCount {
  /** Chunks left over because the shard was told to hold. */
  rest: Chunk[];
}

/**
 * Embeds one shard of a dataset, chunk by chunk, as a child of embedDataset. When told to hold, it cancels its chunks,
 * including those that wait for a worker, and ends. A paused job therefore holds no worker and no place in its queue.
 */
export async function embedShard(input: EmbedShardInput): Promise<EmbedShardResult> {
  const { chunks, shard, report_every, job_id, dataset, media_type, model, model_key, only_failed } = input;
  const { embedChunk } = proxyActivities<InferenceActivities>({
    ...inferenceWork,
    taskQueue: input.embed_task_queue,
    priority: priorityOf(input),
  });
  const count = { ...NOTHING_DONE };
  const waiting = chunks.values();
  const rest = new Set(chunks);
  const scope = new CancellationScope();
  let held = false;
  setHandler(holdShard, () => {
    held = true;
    scope.cancel();
  });
  const embed = async (chunk: Chunk) => {
    const result = await embedChunk({ job_id, dataset, media_type, model, model_key, only_failed, chunk });
    rest.delete(chunk);
    count.done += result.done;
    count.failed += result.failed;
    count.reused += result.reused;
    const ended = chunks.length - rest.size;
    if (ended % report_every === 0 && rest.size > 0 && !held) await report(shard, count);
  };
  try {
    await scope.run(() => runPool(CHUNKS_AT_ONCE, () => (held ? undefined : waiting.next().value), embed));
  } catch (error) {
    if (!held || !isInterruption(error) || CancellationScope.current().consideredCancelled) throw error;
  }
  return { ...count, rest: [...rest] };
}

async function report(shard: number, count: ShardCount): Promise<void> {
  const { parent } = workflowInfo();
  if (parent === undefined) return;
  await tellParent(() => getExternalWorkflowHandle(parent.workflowId).signal(shardProgress, { shard, ...count }));
}
