import { type ChildWorkflowHandle, setHandler, startChild, workflowInfo } from '@temporalio/workflow';
import type { EmbedDatasetInput } from '../contract/inputs.ts';
import { priorityOf } from '../contract/priority.ts';
import type { Chunk } from '../core/embedding/plan.ts';
import type { embedShard } from './embed-shard.ts';
import type { JobTracker } from './job-tracker.ts';
import { holdShard, NOTHING_DONE, type ShardCount, shardProgress } from './messages.ts';
import type { Permit } from './permit.ts';
import { runPool } from './pool.ts';

/** Shards that run at a time: far below Temporal's limit of pending children, and more than the devices need. */
const SHARDS_AT_ONCE = 32;

/** The chunks of a shard that are left to embed. */
export interface OpenShard {
  n: number;
  chunks: Chunk[];
}

/** The position from which a run that continues as new resumes the shards. */
export interface ShardsCursor {
  left: OpenShard[];
  /** Per shard, by index: the samples that its completed runs have processed. */
  counts: ShardCount[];
  /** Each shard reports its progress after this many chunks. */
  report_every: number;
}

export interface ShardsRun {
  input: EmbedDatasetInput & { embed_task_queue: string; media_type: string };
  model_key: string;
  only_failed: boolean;
  job: JobTracker;
  permit: Permit;
  /** Reports progress to the parent job, if there is one. */
  report: () => Promise<void>;
  /** Notes that the phase is running again, if it was waiting. */
  goOn: () => Promise<void>;
}

/**
 * Runs the shards, a bounded number at a time. When permission to work ends, tells all shards to hold; their remaining
 * chunks run at the next permission. Returns the cursor to continue as new with when the history has grown long, or
 * undefined when every shard is done.
 */
export async function runShards(run: ShardsRun, cursor: ShardsCursor): Promise<ShardsCursor | undefined> {
  const { input, model_key, only_failed, job, permit, report, goOn } = run;
  const { dataset, media_type, model, embed_task_queue, priority, fairness_key, fairness_weight } = input;
  const { report_every } = cursor;

  const before = cursor.counts.map((count) => ({ ...count }));
  const counts = cursor.counts.map((count) => ({ ...count }));
  const note = (n: number, run: ShardCount) => {
    counts[n] = sumOf([before[n] ?? NOTHING_DONE, run]);
    job.update('embedding', sumOf(counts));
  };
  setHandler(shardProgress, async ({ shard, ...run }) => {
    note(shard, run);
    await report();
  });

  const startShard = ({ n, chunks }: OpenShard) =>
    startChild<typeof embedShard>('embedShard', {
      workflowId: `${workflowInfo().workflowId}/${n}`,
      priority: priorityOf(input),
      args: [
        {
          job_id: job.jobId,
          dataset,
          media_type,
          model,
          model_key,
          only_failed,
          embed_task_queue,
          priority,
          fairness_key,
          fairness_weight,
          shard: n,
          chunks,
          report_every,
        },
      ],
    });

  let { left } = cursor;
  while (left.length > 0) {
    const waiting = [...left];
    const running = new Set<ChildWorkflowHandle<typeof embedShard>>();
    const rest: OpenShard[] = [];
    let held = false;
    // A shard that has just ended rejects the signal and does not need it.
    const tellToHold = (shard: ChildWorkflowHandle<typeof embedShard>) =>
      shard.signal(holdShard).catch(() => undefined);
    const runShard = async (open: OpenShard) => {
      const shard = await startShard(open);
      running.add(shard);
      if (held) await tellToHold(shard);
      const result = await shard.result();
      running.delete(shard);
      note(open.n, result);
      before[open.n] = { ...(counts[open.n] ?? NOTHING_DONE) };
      if (result.rest.length > 0) rest.push({ n: open.n, chunks: result.rest });
      await report();
    };
    await permit.round(
      async () => {
        await goOn();
        await runPool(SHARDS_AT_ONCE, () => (held ? undefined : waiting.shift()), runShard);
      },
      () => {
        held = true;
        for (const shard of running) void tellToHold(shard);
      },
    );
    left = [...rest.sort((a, b) => a.n - b.n), ...waiting];
    if (left.length > 0 && workflowInfo().continueAsNewSuggested) return { left, counts: before, report_every };
  }
  return undefined;
}

/** The sum over all shards. */
export const sumOf = (counts: readonly ShardCount[]): ShardCount => ({
  done: counts.reduce((total, { done }) => total + done, 0),
  failed: counts.reduce((total, { failed }) => total + failed, 0),
  reused: counts.reduce((total, { reused }) => total + reused, 0),
});
