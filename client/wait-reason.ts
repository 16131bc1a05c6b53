import type { JobStatus } from '../contract/job.ts';
import { EMBEDDING_TASK_QUEUE } from '../contract/names.ts';
import {
  findOpenPhase,
  hasEmbeddedSince,
  type OpenPhase,
  withStandstill,
  withWaitingFor,
} from '../core/jobs/waiting.ts';
import { findThrottled } from '../core/limits/throttled.ts';
import { ifFound } from '../temporal/jobs.ts';
import type { Backends } from './backends.ts';

/** Temporal's TaskQueueType. */
const WORKFLOWS = 1;
const ACTIVITIES = 2;

/**
 * An idle worker polls at least every 60 s. A busy worker may not poll, but it records what it embeds within 60 s: after that
 * time, Temporal would give its chunk to another. Temporal lists pollers for 5 minutes, so only the time of a worker's last
 * poll counts. 30 s more allow for clocks that differ.
 */
const SILENCE_MS = 90_000;
/** An indexing worker that is there begins a workflow task within this time. */
const TAKE_UP_MS = 5000;

/**
 * Adds what a workflow can't know of itself: that the limit of its task queue holds it back, that no worker is there for it,
 * or that it makes no progress.
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
      const { since, images_per_second } = throttled;
      const from = new Date(Math.max(since.getTime(), Date.parse(status.phases.embedding.started_at ?? '') || 0));
      return withWaitingFor(status, 'embedding', {
        reason: 'throttled',
        since: from.toISOString(),
        task_queue: queue,
        until: null,
        images_per_second,
      });
    }
  }
  const stillMs = Date.now() - phase.moved_at.getTime();
  const isStill = stillMs >= (embedding ? workerSilenceMs : Math.min(TAKE_UP_MS, workerSilenceMs));
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
  if (embedQueue !== undefined && !(await isPolled(backends, embedQueue, ACTIVITIES, since))) {
    const busy = moved_at >= since || (await hasEmbeddedSince(store, embedQueue, since));
    return busy ? undefined : embedQueue;
  }
  const workflow = await ifFound(temporal.workflow.getHandle(status.workflow_id).describe());
  if (workflow === undefined) return undefined;
  const { taskQueue } = workflow;
  return (await isPolled(backends, taskQueue, WORKFLOWS, since)) ? undefined : taskQueue;
}

async function isPolled(
  { temporal }: Backends,
  taskQueue: string,
  taskQueueType: typeof WORKFLOWS | typeof ACTIVITIES,
  since: Date,
): Promise<boolean> {
  const { pollers } = await temporal.workflowService.describeTaskQueue({
    namespace: temporal.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType,
  });
  return (pollers ?? []).some(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 >= since.getTime());
}
