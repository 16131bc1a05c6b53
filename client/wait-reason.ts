import type { JobStatus } from '../contract/job.ts';
import { EMBEDDING_TASK_QUEUE } from '../contract/names.ts';
import {
  findOpenPhase,
  hasEmbeddedSince,
  type OpenPhase,
  withStandstill,
  withWaitingFor,
} from '../core/jobs/waiting.ts';
import { findThrottled } from '../core/store/limits.ts';
import { ifFound } from '../temporal/jobs.ts';
import {
  ACTIVITY_TASKS,
  describeTaskQueue,
  polledAtMs,
  SILENCE_MS,
  type TaskType,
  WORKFLOW_TASKS,
} from '../temporal/task-queues.ts';
import type { Backends } from './backends.ts';

/** An indexing worker that is there begins a workflow task within this time. */
const BEGUN_WITHIN_MS = 5000;

/**
 * Adds what a workflow can't know of itself: that the limit of its task queue holds it back, that no worker is there
 * for it, or that it makes no progress.
 */
export async function withWaitReason(backends: Backends, status: JobStatus): Promise<JobStatus> {
  const { store, workerSilenceMs = SILENCE_MS } = backends;
  const phase = await findOpenPhase(store, status);
  if (phase === undefined) return status;
  const embedding = phase.name === 'embedding' && phase.running;
  const queue = embedding ? (phase.task_queue ?? EMBEDDING_TASK_QUEUE) : undefined;
  if (queue !== undefined) {
    const throttled = await findThrottled(store, queue);
    if (throttled !== undefined) {
      const { since, samples_per_second } = throttled;
      const from = new Date(Math.max(since.getTime(), Date.parse(status.phases.embedding.started_at ?? '') || 0));
      return withWaitingFor(status, 'embedding', {
        reason: 'throttled',
        since: from.toISOString(),
        task_queue: queue,
        until: null,
        samples_per_second,
      });
    }
  }
  const stillMs = Date.now() - phase.moved_at.getTime();
  const isStill = stillMs >= (embedding ? workerSilenceMs : Math.min(BEGUN_WITHIN_MS, workerSilenceMs));
  const missing = isStill ? await findMissingWorker(backends, status, phase, queue) : undefined;
  if (missing === undefined) return withStandstill(status, phase, new Date());
  return withWaitingFor(status, phase.name, {
    reason: 'worker',
    since: phase.due_at.toISOString(),
    task_queue: missing,
    until: null,
  });
}

/** The first task queue of those that the phase needs which no worker polls. */
async function findMissingWorker(
  backends: Backends,
  status: JobStatus,
  { moved_at }: OpenPhase,
  embedQueue: string | undefined,
): Promise<string | undefined> {
  const { temporal, store, workerSilenceMs = SILENCE_MS } = backends;
  const since = new Date(Date.now() - workerSilenceMs);
  // A busy worker may not poll. It records what it embeds within 60 s: later, Temporal would give its chunk to another.
  if (embedQueue !== undefined && !(await isPolled(backends, embedQueue, ACTIVITY_TASKS, since))) {
    const busy = moved_at >= since || (await hasEmbeddedSince(store, embedQueue, since));
    return busy ? undefined : embedQueue;
  }
  const workflow = await ifFound(temporal.workflow.getHandle(status.workflow_id).describe());
  if (workflow === undefined) return undefined;
  const { taskQueue } = workflow;
  return (await isPolled(backends, taskQueue, WORKFLOW_TASKS, since)) ? undefined : taskQueue;
}

async function isPolled({ temporal }: Backends, taskQueue: string, type: TaskType, since: Date): Promise<boolean> {
  const { pollers } = await describeTaskQueue(temporal, temporal.options.namespace, taskQueue, type);
  return (pollers ?? []).some((poller) => polledAtMs(poller) >= since.getTime());
}
