import { getExternalWorkflowHandle, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { EmbedActivities } from '../activities/embed-activities.ts';
import type { Chunk } from '../core/embedding/plan.ts';
import { embedWork } from './activity-options.ts';
import { shardProgress } from './messages.ts';
import { runPool } from './pool.ts';

/** Enough that a device has the next chunk at hand when it ends one. */
const CHUNKS_AT_ONCE = 2;

export interface EmbedShardInput {
  load_id: string;
  dataset: string;
  model: string;
  model_key: string;
  /** Task queue of the chunks. The shard itself is on its parent's, so that it hears of a cancel when no device is there. */
  embed_task_queue: string;
  /** Which shard of its parent's this is. */
  shard: number;
  chunks: Chunk[];
  /** Tells the parent of its progress after this many chunks. */
  report_every: number;
}

/** Embeds one shard of a dataset, chunk by chunk. A child of embedDataset. */
export async function embedShard(input: EmbedShardInput): Promise<{ done: number; failed: number }> {
  const { chunks, shard, report_every, load_id, dataset, model, model_key } = input;
  const { embedChunk } = proxyActivities<EmbedActivities>({ ...embedWork, taskQueue: input.embed_task_queue });
  const count = { done: 0, failed: 0 };
  const waiting = chunks.values();
  let ended = 0;
  await runPool(
    CHUNKS_AT_ONCE,
    () => waiting.next().value,
    async (chunk) => {
      const result = await embedChunk({ load_id, dataset, model, model_key, chunk });
      count.done += result.done;
      count.failed += result.failed;
      ended += 1;
      if (ended % report_every === 0 && ended < chunks.length) await report(shard, count);
    },
  );
  return count;
}

async function report(shard: number, count: { done: number; failed: number }): Promise<void> {
  const { parent } = workflowInfo();
  if (parent === undefined) return;
  await getExternalWorkflowHandle(parent.workflowId).signal(shardProgress, { shard, ...count });
}
