import {
  CancellationScope,
  type ChildWorkflowHandle,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { EmbedActivities } from '../activities/embed-activities.ts';
import type { IndexActivities } from '../activities/index-activities.ts';
import type { Chunk } from '../core/embedding/plan.ts';
import { type LoadStatus, waitingStatusOf } from '../core/loads/status.ts';
import type { Waiting } from '../core/store/documents.ts';
import { longIndexWork, openModelWork, shortIndexWork } from './activity-options.ts';
import { announce } from './announce.ts';
import { type EmbedDatasetInput, type EmbedDatasetRequest, embedDatasetInput } from './contract.ts';
import type { embedShard } from './embed-shard.ts';
import { recordedErrorOf, toFailure } from './failures.ts';
import { type JobStatus, trackJob } from './job-status.ts';
import { type EmbeddingReport, embeddingProgress, holdShard, setPaused, shardProgress } from './messages.ts';
import { acceptOperations, type Operations } from './operate.ts';
import { parseInput } from './parse-input.ts';
import { createPermit, type Permit } from './permit.ts';
import { runPool } from './pool.ts';
import { priorityOf } from './priority.ts';

const { beginEmbedding, noteWaiting, startEmbedding, endLoad } = proxyActivities<IndexActivities>(shortIndexWork);

/** Shards under way at a time: below Temporal's bounds for pending children by far, and more than devices need. */
const SHARDS_AT_ONCE = 32;

/** Reports of progress in a whole run, so that they never fill a history. */
const REPORTS = 100;

/**
 * Embeds the samples of a dataset that lack a vector of the model, as a phase of a load or by itself. Fails with a
 * non-retryable ApplicationFailure whose type is stable: InvalidInput, DatasetNotFound, UnknownTimeZone, ModelNotFoundError,
 * ModelInvalidError, DeviceUnavailableError, ModelChanged, NothingEmbedded.
 */
export async function embedDataset(request: EmbedDatasetRequest): Promise<LoadStatus> {
  const input = parseInput(embedDatasetInput, request);
  const { dataset, load_id } = input;
  const alone = load_id === undefined;
  const job = trackJob({ kind: 'embed', dataset, request: input, jobId: load_id, embeds: true });
  const operations = alone ? acceptOperations(job, async () => undefined) : followLoad(job);
  try {
    const { search_attributes, embed_task_queue } = await beginEmbedding({
      load_id: job.jobId,
      workflow_id: job.workflowId,
      request: input,
      alone,
    });
    operations.recorded();
    if (search_attributes) job.useSearchAttributes();
    await embed({ ...input, embed_task_queue: input.embed_task_queue ?? embed_task_queue }, job);
    await operations.close();
    if (alone) await endLoad({ load_id: job.jobId, state: 'completed' });
    job.end('completed');
    if (alone) await announce(input.webhooks, 'dataset.ready', job.status());
    return job.status();
  } catch (error) {
    const failure = toFailure(error);
    const state = isCancellation(failure) ? 'canceled' : 'failed';
    const recorded = recordedErrorOf(failure, operations.cancelReason());
    await operations.close();
    if (alone) {
      await CancellationScope.nonCancellable(() => endLoad({ load_id: job.jobId, state, error: recorded }));
    }
    job.end(state, recorded);
    if (alone) await announce(input.webhooks, `load.${state}`, job.status());
    throw failure;
  }
}

/** As a phase of a load, it is the load that people pause, resume and cancel. */
function followLoad(job: JobStatus): Operations {
  setHandler(setPaused, (paused) => {
    if (paused === job.isPaused()) return;
    if (paused) job.pause(new Date());
    else job.resume(new Date());
  });
  return { recorded: () => undefined, cancelReason: () => undefined, close: async () => undefined };
}

/** The input, with the task queue that inference goes to. */
type EmbeddingRun = EmbedDatasetInput & { embed_task_queue: string };

async function embed(input: EmbeddingRun, job: JobStatus): Promise<void> {
  const { dataset, model, embed_task_queue, only_failed } = input;
  const load_id = job.jobId;
  const priority = priorityOf(input);
  const { openModel } = proxyActivities<EmbedActivities>({ ...openModelWork, priority, taskQueue: embed_task_queue });
  const { planEmbedding, finishEmbedding } = proxyActivities<IndexActivities>({ ...longIndexWork, priority });

  const report = createReporter(job);
  const wait = async (waiting: Omit<Waiting, 'since'>) => {
    job.hold('embedding', waiting);
    const { until, ...rest } = waiting;
    await noteWaiting({ load_id, ...rest, ...(until === undefined ? {} : { until: until.toISOString() }) });
    await report();
  };
  const { embed_at, embed_window } = input;
  const permit = createPermit({ isPaused: job.isPaused, embed_at, embed_window, onWait: wait });

  const opened = await permit.complete(async () => {
    await wait({ reason: 'worker', task_queue: embed_task_queue });
    return openModel({ model });
  });
  const { total, shards } = await permit.complete(() =>
    planEmbedding({ load_id, dataset, model: opened, only_failed }),
  );
  job.release('embedding');
  job.update('embedding', { model_key: opened.key, total, total_known: true });
  await report();

  const resume = async () => {
    if (job.phase('embedding').state !== 'waiting') return;
    await startEmbedding({ load_id });
    job.release('embedding');
    await report();
  };
  await embedShards(
    { ...input, model_key: opened.key, shards: shards.map((shard) => shard.chunks) },
    { job, permit, report, resume },
  );
  const { done, failed } = await finishEmbedding({ load_id, dataset, model: opened });
  job.update('embedding', { state: 'completed', done, failed, finished_at: new Date() });
}

/** What is left to do of a shard. */
interface OpenShard {
  n: number;
  chunks: Chunk[];
}

interface ShardsRun {
  job: JobStatus;
  permit: Permit;
  report: () => Promise<void>;
  /** Notes that the phase goes on, where it had to wait. */
  resume: () => Promise<void>;
}

/**
 * Runs the shards, a bounded number at a time. Where there is no leave to work any more all are told to hold, and what they
 * leave is taken up when there is leave again.
 */
async function embedShards(
  input: EmbeddingRun & { model_key: string; shards: Chunk[][] },
  { job, permit, report, resume }: ShardsRun,
): Promise<void> {
  const { dataset, model, model_key, embed_task_queue, only_failed, shards } = input;
  const { priority, fairness_key, fairness_weight } = input;
  const everyChunks = Math.ceil(shards.reduce((n, chunks) => n + chunks.length, 0) / REPORTS);

  /** Of each shard: what its earlier runs have done, and what it has done with the one that is under way. */
  const before = shards.map(() => ({ done: 0, failed: 0 }));
  const counts = shards.map(() => ({ done: 0, failed: 0 }));
  const note = (n: number, run: { done: number; failed: number }) => {
    const { done = 0, failed = 0 } = before[n] ?? {};
    counts[n] = { done: done + run.done, failed: failed + run.failed };
    job.update('embedding', sum(counts));
  };
  setHandler(shardProgress, ({ shard, ...run }) => note(shard, run));

  const startShard = ({ n, chunks }: OpenShard) =>
    startChild<typeof embedShard>('embedShard', {
      workflowId: `${workflowInfo().workflowId}/${n}`,
      priority: priorityOf(input),
      args: [
        {
          load_id: job.jobId,
          dataset,
          model,
          model_key,
          only_failed,
          embed_task_queue,
          priority,
          fairness_key,
          fairness_weight,
          shard: n,
          chunks,
          report_every: everyChunks,
        },
      ],
    });

  let left: OpenShard[] = shards.map((chunks, n) => ({ n, chunks }));
  while (left.length > 0) {
    const waiting = [...left];
    const running = new Set<ChildWorkflowHandle<typeof embedShard>>();
    const rest: OpenShard[] = [];
    let held = false;
    // One that has just ended can't be told, and does not have to be.
    const tellToHold = (shard: ChildWorkflowHandle<typeof embedShard>) =>
      shard.signal(holdShard).catch(() => undefined);
    const run = async (open: OpenShard) => {
      const shard = await startShard(open);
      running.add(shard);
      if (held) await tellToHold(shard);
      const result = await shard.result();
      running.delete(shard);
      note(open.n, result);
      before[open.n] = { ...(counts[open.n] ?? { done: 0, failed: 0 }) };
      if (result.rest.length > 0) rest.push({ n: open.n, chunks: result.rest });
      await report();
    };
    await permit.round(
      async () => {
        await resume();
        await runPool(SHARDS_AT_ONCE, () => (held ? undefined : waiting.shift()), run);
      },
      () => {
        held = true;
        for (const shard of running) void tellToHold(shard);
      },
    );
    left = [...rest.sort((a, b) => a.n - b.n), ...waiting];
  }
}

/** Tells the load that this is a phase of how it stands, where that has changed. */
function createReporter(job: JobStatus): () => Promise<void> {
  const { parent } = workflowInfo();
  let reported = '';
  return async function reportToLoad() {
    if (parent === undefined) return;
    const { done, failed, total, model_key, state, waiting_for } = job.phase('embedding');
    const report: EmbeddingReport = {
      ...(model_key === undefined ? {} : { model_key }),
      state: state === 'waiting' ? state : 'running',
      waiting_for: waiting_for === undefined ? null : waitingStatusOf(waiting_for),
      done,
      failed,
      total,
    };
    const text = JSON.stringify(report);
    if (text === reported) return;
    reported = text;
    await getExternalWorkflowHandle(parent.workflowId).signal(embeddingProgress, report);
  };
}

const sum = (counts: { done: number; failed: number }[]) => ({
  done: counts.reduce((total, { done }) => total + done, 0),
  failed: counts.reduce((total, { failed }) => total + failed, 0),
});
