import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { EmbeddingActivities } from '../activities/embedding.ts';
import type { InferenceActivities } from '../activities/inference.ts';
import { type EmbedDatasetInput, type EmbedDatasetRequest, embedDatasetInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { priorityOf } from '../contract/priority.ts';
import type { EmbeddingModel } from '../core/embedding/embedder.ts';
import type { Waiting } from '../core/store/documents.ts';
import { longWork, openModelWork, shortWork } from './activity-options.ts';
import { failureOf } from './failures.ts';
import { type JobTracker, trackJob } from './job-tracker.ts';
import { NOTHING_DONE, setPaused } from './messages.ts';
import { acceptOperations, type Operations } from './operate.ts';
import { parseInput } from './parse-input.ts';
import { createPermit } from './permit.ts';
import { createReporter } from './report-to-load.ts';
import { runJob } from './run-job.ts';
import { runShards, type ShardsCursor, sumOf } from './run-shards.ts';

const { beginEmbedding, noteWaiting, startEmbedding } = proxyActivities<EmbeddingActivities>(shortWork);

/** Progress reports in a whole run. The bound keeps them from filling the history. */
const REPORTS = 100;

/** The load or retry that an embedding is a phase of. That job sets it. */
export interface PhaseOfJob {
  job_id: string;
  /** Embed only samples whose embedding failed before, and samples that this job has indexed. */
  only_failed: boolean;
}

/** The position from which a run that continues as new resumes the embedding. */
export interface EmbeddingCursor {
  /** When the first run began, RFC 3339. */
  started_at: string;
  /** Since when the job is paused, RFC 3339. */
  paused_at: string | null;
  model: EmbeddingModel;
  total: number;
  /** When the phase began, RFC 3339. */
  phase_started_at: string | null;
  /** How long the phase has waited since it began. */
  waited_ms: number;
  shards: ShardsCursor;
}

/**
 * Embeds the samples of a dataset that lack a vector of the model. It runs as a phase of a load or a retry, or as a job
 * of its own.
 *
 * Fails with a non-retryable ApplicationFailure; docs/failures.md lists its types under embedDataset.
 *
 * @param phase set by the job that it is a phase of; null or omitted for a job of its own
 * @param resume set by the workflow itself when it continues as new
 */
export async function embedDataset(
  request: EmbedDatasetRequest,
  phase?: PhaseOfJob | null,
  resume?: EmbeddingCursor,
): Promise<JobStatus> {
  const input = parseInput(embedDatasetInput, request);
  const alone = phase === undefined || phase === null;
  if (!alone) requireLoad(phase);
  const job = trackJob({
    kind: 'embed',
    dataset: input.dataset,
    request: input,
    jobId: phase?.job_id,
    embeds: true,
    ...(resume === undefined ? {} : { startedAt: new Date(resume.started_at) }),
  });
  if (resume?.paused_at) job.pause(new Date(resume.paused_at));
  const operations = alone ? acceptOperations(job, async () => undefined) : followLoad(job);
  return runJob({ job, onRecord: alone, operations, webhooks: alone ? input.webhooks : [] }, async () => {
    const { search_attributes, embed_task_queue, media_type } = await beginEmbedding({
      job_id: job.jobId,
      workflow_id: job.workflowId,
      request: input,
      continued: resume !== undefined,
      alone,
    });
    operations.recorded();
    if (search_attributes) job.useSearchAttributes();
    const run = { ...input, media_type, embed_task_queue: input.embed_task_queue ?? embed_task_queue };
    const next = await embed(run, job, phase ?? undefined, resume);
    if (next !== undefined) {
      await condition(allHandlersFinished);
      const { paused_at } = job.status();
      return await continueAsNew<typeof embedDataset>(request, phase ?? null, { ...next, paused_at });
    }
    return { ready: true };
  });
}

/** Only a parent workflow may pass its job ID: an embedding under another job's ID keeps no record of its own. */
function requireLoad({ job_id }: PhaseOfJob): void {
  const { parent } = workflowInfo();
  if (parent !== undefined && typeof job_id === 'string') return;
  throw failureOf(
    'InvalidInput',
    'embedDataset takes one argument: the second one is for the load that it is a phase of.',
  );
}

/** People pause, resume and cancel the parent job; this phase follows its signals. */
function followLoad(job: JobTracker): Operations {
  setHandler(setPaused, (paused) => {
    if (paused === job.isPaused()) return;
    if (paused) job.pause(new Date());
    else job.resume(new Date());
  });
  return {
    recorded: () => undefined,
    cancelReason: () => undefined,
    close: () => CancellationScope.nonCancellable(() => condition(allHandlersFinished)),
  };
}

async function embed(
  input: EmbedDatasetInput & { embed_task_queue: string; media_type: string },
  job: JobTracker,
  phase: PhaseOfJob | undefined,
  resume: EmbeddingCursor | undefined,
): Promise<Omit<EmbeddingCursor, 'paused_at'> | undefined> {
  const { dataset, model, media_type, embed_task_queue, embed_at, embed_window } = input;
  const only_failed = phase?.only_failed ?? false;
  const job_id = job.jobId;
  const priority = priorityOf(input);
  const { openModel } = proxyActivities<InferenceActivities>({
    ...openModelWork,
    priority,
    taskQueue: embed_task_queue,
  });
  const { planEmbedding, finishEmbedding } = proxyActivities<EmbeddingActivities>({ ...longWork, priority });

  const report = phase === undefined ? async () => undefined : createReporter(job);
  const wait = async (waiting: Omit<Waiting, 'since'>) => {
    job.hold('embedding', waiting);
    const { until, ...rest } = waiting;
    await noteWaiting({ job_id, ...rest, ...(until === undefined ? {} : { until: until.toISOString() }) });
    await report();
  };
  const permit = createPermit({ isPaused: job.isPaused, embed_at, embed_window, onWait: wait });
  const goOn = async () => {
    if (job.phase('embedding').state !== 'waiting') return;
    await startEmbedding({ job_id });
    job.release('embedding');
    await report();
  };

  const plan = async () => {
    const opened = await permit.complete(async () => {
      await wait({ reason: 'worker', task_queue: embed_task_queue });
      return openModel({ model, media_type });
    });
    const planned = await permit.complete(() => planEmbedding({ job_id, dataset, model: opened, only_failed }));
    const chunks = planned.shards.reduce((count, shard) => count + shard.chunks.length, 0);
    job.release('embedding');
    return {
      model: opened,
      total: planned.total,
      shards: {
        left: planned.shards.map((shard, n) => ({ n, chunks: shard.chunks })),
        counts: planned.shards.map(() => NOTHING_DONE),
        report_every: Math.ceil(chunks / REPORTS),
      },
    };
  };
  const takeUp = ({ model, total, shards, phase_started_at, waited_ms }: EmbeddingCursor) => {
    if (phase_started_at !== null) job.update('embedding', { started_at: new Date(phase_started_at), waited_ms });
    job.update('embedding', { state: 'running', ...sumOf(shards.counts) });
    return { model, total, shards };
  };

  const { model: opened, total, shards } = resume === undefined ? await plan() : takeUp(resume);
  job.update('embedding', { model_key: opened.key, total, total_known: true });
  await report();

  const rest = await runShards({ input, model_key: opened.key, only_failed, job, permit, report, goOn }, shards);
  if (rest !== undefined) {
    const { started_at, waited_ms = 0 } = job.phase('embedding');
    return {
      started_at: job.status().started_at ?? '',
      model: opened,
      total,
      phase_started_at: started_at?.toISOString() ?? null,
      waited_ms,
      shards: rest,
    };
  }
  const { done, failed, reused } = await finishEmbedding({ job_id, dataset, model: opened });
  job.update('embedding', { state: 'completed', done, failed, reused, finished_at: new Date() });
  return undefined;
}
