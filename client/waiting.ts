import { WorkflowNotFoundError } from '@temporalio/client';
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
import type { Backends } from './backends.ts';

/** Temporal's TaskQueueType. */
const WORKFLOWS = 1;
const ACTIVITIES = 2;

/**
 * A worker without work polls again after 60 s at most. One that is busy need not poll, but what it embeds is on record
 * within the 60 s after which Temporal would take its chunk from it. Temporal lists pollers for 5 minutes: that one is
 * listed says nothing, when it was last heard of does. The rest is for clocks that differ.
 */
const SILENCE_MS = 90_000;
/** A workflow that an indexing worker hears of moves on within this time. */
const TAKE_UP_MS = 5000;

/**
 * The status with what no workflow can know of itself: that the limit of its task queue holds it back, that no worker is
 * there to go on with it, or that nothing of it moves.
 */
export async function withWaiting(backends: Backends, status: JobStatus): Promise<JobStatus> {
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

/** The task queue that nobody serves, of those that the phase needs. */
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
  try {
    const { taskQueue } = await temporal.workflow.getHandle(status.workflow_id).describe();
    return (await isPolled(backends, taskQueue, WORKFLOWS, since)) ? undefined : taskQueue;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
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
