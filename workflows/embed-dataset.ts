import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { z } from 'zod';
import type { EmbeddingActivities } from '../activities/embedding.ts';
import type { InferenceActivities, OpenedModel } from '../activities/inference.ts';
import { type EmbedDatasetInput, type EmbedDatasetRequest, embedDatasetInput } from '../contract/inputs.ts';
import type { JobStatus } from '../contract/job.ts';
import { priorityOf } from '../contract/priority.ts';
import type { Waiting } from '../core/store/documents.ts';
import { inferenceWork, longWork, openModelWork, shortWork } from './activity-options.ts';
import { failureOf } from './failures.ts';
import { type JobTracker, trackJob } from './job-tracker.ts';
import { setPaused } from './messages.ts';
import { acceptOperations, type Operations } from './operate.ts';
import { firstAtOnce } from './pace.ts';
import { parseSignal, parseStart } from './parse-input.ts';
import { createPermit } from './permit.ts';
import { createReporter } from './report-to-load.ts';
import { type ChunksCursor, runChunks } from './run-chunks.ts';
import { runJob } from './run-job.ts';

const { beginEmbedding, noteWaiting, startEmbedding, windowAt } = proxyActivities<EmbeddingActivities>(shortWork);

const NOTHING_DONE = { done: 0, failed: 0, reused: 0 };

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
  model: OpenedModel;
  total: number;
  /** When the phase began, RFC 3339. */
  phase_started_at: string | null;
  /** How long the phase has waited since it began. */
  waited_ms: number;
  chunks: ChunksCursor;
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
  const input = parseStart(embedDatasetInput, request, resume);
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
  setHandler(
    setPaused,
    (message) => {
      const paused = parseSignal(z.boolean(), 'setPaused', message);
      if (paused === undefined || paused === job.isPaused()) return;
      if (paused) job.pause(new Date());
      else job.resume(new Date());
    },
    { description: 'Sent by the load that this embedding is a phase of, when it is paused or resumed.' },
  );
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

  const forWorker = { reason: 'worker', task_queue: embed_task_queue } as const;
  const report = phase === undefined ? async () => undefined : createReporter(job);
  const wait = async (waiting: Omit<Waiting, 'since'>) => {
    job.hold('embedding', waiting);
    const { until, ...rest } = waiting;
    await noteWaiting({ job_id, ...rest, ...(until === undefined ? {} : { until: until.toISOString() }) });
    await report();
  };
  const permit = createPermit({ isPaused: job.isPaused, windowAt, embed_at, embed_window, onWait: wait });
  const goOn = async () => {
    if (job.phase('embedding').state !== 'waiting') return;
    await startEmbedding({ job_id });
    job.release('embedding');
    await report();
  };

  const plan = async () => {
    // beginEmbedding has recorded this wait.
    job.hold('embedding', forWorker);
    const opened = await permit.complete(async () => {
      if (job.phase('embedding').waiting_for?.reason !== forWorker.reason) await wait(forWorker);
      return openModel({ model, media_type });
    });
    const { total, chunks } = await permit.complete(() =>
      planEmbedding({ job_id, dataset, model: opened, only_failed }),
    );
    job.release('embedding');
    return {
      model: opened,
      total,
      chunks: { left: chunks, count: NOTHING_DONE, at_once: firstAtOnce(opened.workers) },
    };
  };
  const takeUp = ({ model, total, chunks, phase_started_at, waited_ms }: EmbeddingCursor) => {
    if (phase_started_at !== null) job.update('embedding', { started_at: new Date(phase_started_at), waited_ms });
    job.update('embedding', { state: 'running', ...chunks.count });
    return { model, total, chunks };
  };

  const { model: opened, total, chunks } = resume === undefined ? await plan() : takeUp(resume);
  job.update('embedding', { model_key: opened.key, device: opened.device, total, total_known: true });
  await report();

  const rest = await runChunks({ input, model_key: opened.key, only_failed, job, permit, report, goOn }, chunks);
  if (rest !== undefined) {
    const { started_at, waited_ms = 0 } = job.phase('embedding');
    return {
      started_at: job.status().started_at ?? '',
      model: opened,
      total,
      phase_started_at: started_at?.toISOString() ?? null,
      waited_ms,
      chunks: rest,
    };
  }
  const { index, ...counts } = await finishEmbedding({
    job_id,
    dataset,
    model: opened,
    asked: model,
    switch: input.switch,
    ...(input.index === undefined ? {} : { index: input.index }),
  });
  job.update('embedding', counts);
  if (index) {
    const { buildSearchIndex } = proxyActivities<InferenceActivities>({
      ...inferenceWork,
      priority,
      taskQueue: embed_task_queue,
    });
    job.update('embedding', { index });
    await report();
    // A pause, and the end of a window, keep what is built; the next attempt goes on from there.
    const build = () => buildSearchIndex({ job_id, dataset, model: opened, kind: index.kind });
    const { vectors } = await permit.complete(async () => {
      await goOn();
      return build();
    });
    job.update('embedding', { index: { kind: index.kind, done: vectors, total: vectors } });
  }
  job.update('embedding', { state: 'completed', finished_at: new Date() });
  return undefined;
}
