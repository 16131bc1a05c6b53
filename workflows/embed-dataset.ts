import {
  CancellationScope,
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { EmbedActivities } from '../activities/embed-activities.ts';
import type { IndexActivities } from '../activities/index-activities.ts';
import type { Shard } from '../core/embedding/plan.ts';
import type { LoadStatus } from '../core/loads/status.ts';
import { longIndexWork, openModelWork, shortIndexWork } from './activity-options.ts';
import { EMBED_TASK_QUEUE, type EmbedDatasetInput, type EmbedDatasetRequest, embedDatasetInput } from './contract.ts';
import type { embedShard } from './embed-shard.ts';
import { recordedErrorOf, toFailure } from './failures.ts';
import { type JobStatus, trackJob } from './job-status.ts';
import { embeddingProgress, shardProgress } from './messages.ts';
import { parseInput } from './parse-input.ts';
import { runPool } from './pool.ts';

const { beginEmbedding, endLoad } = proxyActivities<IndexActivities>(shortIndexWork);
const { planEmbedding, finishEmbedding } = proxyActivities<IndexActivities>(longIndexWork);

/** Shards under way at a time: below Temporal's bounds for pending children by far, and more than devices need. */
const SHARDS_AT_ONCE = 32;

/** Reports of progress in a whole run, so that they never fill a history. */
const REPORTS = 100;

/**
 * Embeds the samples of a dataset that lack a vector of the model, as a phase of a load or by itself. Fails with a
 * non-retryable ApplicationFailure whose type is stable: InvalidInput, DatasetNotFound, ModelNotFoundError,
 * ModelInvalidError, DeviceUnavailableError, ModelChanged, NothingEmbedded.
 */
export async function embedDataset(request: EmbedDatasetRequest): Promise<LoadStatus> {
  const input = parseInput(embedDatasetInput, request);
  const { dataset, load_id } = input;
  const job = trackJob({ kind: 'embed', dataset, request: input, jobId: load_id, embeds: true });
  try {
    const { search_attributes } = await beginEmbedding({
      load_id: job.jobId,
      workflow_id: job.workflowId,
      request: input,
      alone: load_id === undefined,
      task_queue: input.embed_task_queue ?? EMBED_TASK_QUEUE,
    });
    if (search_attributes) job.useSearchAttributes();
    await embedShards(input, job);
    if (load_id === undefined) await endLoad({ load_id: job.jobId, state: 'completed' });
    job.end('completed');
    return job.status();
  } catch (error) {
    const failure = toFailure(error);
    const state = isCancellation(failure) ? 'canceled' : 'failed';
    const recorded = recordedErrorOf(failure);
    if (load_id === undefined) {
      await CancellationScope.nonCancellable(() => endLoad({ load_id: job.jobId, state, error: recorded }));
    }
    job.end(state, recorded);
    throw failure;
  }
}

async function embedShards(input: EmbedDatasetInput, job: JobStatus): Promise<void> {
  const { dataset, model, embed_task_queue = EMBED_TASK_QUEUE } = input;
  const { openModel } = proxyActivities<EmbedActivities>({ ...openModelWork, taskQueue: embed_task_queue });
  const load_id = job.jobId;
  job.update('embedding', {
    state: 'waiting',
    waiting_for: { reason: 'worker', task_queue: embed_task_queue, since: new Date() },
  });
  const opened = await openModel({ model });
  const { total, shards } = await planEmbedding({ load_id, dataset, model: opened });
  job.update('embedding', {
    state: 'running',
    started_at: new Date(),
    model_key: opened.key,
    total,
    total_known: true,
  });

  const counts = shards.map(() => ({ done: 0, failed: 0 }));
  let changed = true;
  const note = (shard: number, done: number, failed: number) => {
    counts[shard] = { done, failed };
    changed = true;
    job.update('embedding', sum(counts));
  };
  setHandler(shardProgress, ({ shard, done, failed }) => note(shard, done, failed));
  const report = async () => {
    if (!changed) return;
    changed = false;
    await reportToParent(job, opened.key);
  };
  await report();

  const everyChunks = Math.ceil(shards.reduce((n, shard) => n + shard.chunks.length, 0) / REPORTS);
  const waiting = shards.entries();
  await runPool<[number, Shard]>(
    SHARDS_AT_ONCE,
    () => waiting.next().value,
    async ([n, shard]) => {
      const result = await executeChild<typeof embedShard>('embedShard', {
        workflowId: `${workflowInfo().workflowId}/${n}`,
        args: [
          {
            load_id,
            dataset,
            model,
            model_key: opened.key,
            embed_task_queue,
            shard: n,
            chunks: shard.chunks,
            report_every: everyChunks,
          },
        ],
      });
      note(n, result.done, result.failed);
      await report();
    },
  );
  const { done, failed } = await finishEmbedding({ load_id, dataset, model: opened });
  job.update('embedding', { state: 'completed', done, failed, finished_at: new Date() });
}

async function reportToParent(job: JobStatus, model_key: string): Promise<void> {
  const { parent } = workflowInfo();
  if (parent === undefined) return;
  const { done, failed, total } = job.phase('embedding');
  await getExternalWorkflowHandle(parent.workflowId).signal(embeddingProgress, { model_key, done, failed, total });
}

const sum = (counts: { done: number; failed: number }[]) => ({
  done: counts.reduce((total, { done }) => total + done, 0),
  failed: counts.reduce((total, { failed }) => total + failed, 0),
});
