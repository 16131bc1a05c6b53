import { CancellationScope, condition, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { EmbeddedChunk, InferenceActivities } from '../activities/inference.ts';
import type { EmbedDatasetInput } from '../contract/inputs.ts';
import { priorityOf } from '../contract/priority.ts';
import type { Chunk } from '../core/embedding/plan.ts';
import { inferenceWork } from './activity-options.ts';
import { isInterruption } from './failures.ts';
import type { JobTracker } from './job-tracker.ts';
import { createPace } from './pace.ts';
import type { Permit } from './permit.ts';

/** How many samples are done and failed. `reused` is included in `done`. */
export interface EmbeddedCount {
  done: number;
  failed: number;
  reused: number;
}

/** The position from which a run that continues as new resumes the chunks. */
export interface ChunksCursor {
  left: Chunk[];
  count: EmbeddedCount;
  /** How many chunks are kept in the queue. */
  at_once: number;
}

export interface ChunksRun {
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
 * Embeds chunks, as many at once as keep the workers of the queue busy. When permission to work ends, cancels those in
 * the queue and at work, and begins them again at the next permission. So a paused job holds no worker and no place in
 * the queue. Returns the cursor to continue as new with when the history has grown long, or undefined when every chunk
 * is done.
 */
export async function runChunks(run: ChunksRun, cursor: ChunksCursor): Promise<ChunksCursor | undefined> {
  const { input, model_key, only_failed, job, permit, report, goOn } = run;
  const { dataset, media_type, model, embed_task_queue } = input;
  const { embedChunk } = proxyActivities<InferenceActivities>({
    ...inferenceWork,
    taskQueue: embed_task_queue,
    priority: priorityOf(input),
  });
  const count = { ...cursor.count };
  const pace = createPace(cursor.at_once);
  const note = ({ done, failed, reused }: EmbeddedChunk) => {
    count.done += done;
    count.failed += failed;
    count.reused += reused;
    job.update('embedding', count);
  };

  let { left } = cursor;
  let started = 0;
  while (left.length > 0) {
    const waiting = [...left];
    const open = new Set<Chunk>();
    const interrupted: Chunk[] = [];
    const scope = new CancellationScope();
    let held = false;
    let failure: { error: unknown } | undefined;
    // A run starts at least one chunk, so that every run makes progress.
    const mayStart = () => !held && failure === undefined && (started === 0 || !workflowInfo().continueAsNewSuggested);
    const embed = async (chunk: Chunk) => {
      const queuedAt = Date.now();
      try {
        const work = { job_id: job.jobId, dataset, media_type, model, model_key, only_failed, chunk };
        const result = await scope.run(() => embedChunk(work));
        note(result);
        pace.note(Date.now() - queuedAt, result.worked_ms);
        await report();
      } catch (error) {
        if (held && isInterruption(error) && !CancellationScope.current().consideredCancelled) interrupted.push(chunk);
        else {
          // A permanent failure outranks the interruptions that follow from it.
          if (failure === undefined || (isInterruption(failure.error) && !isInterruption(error))) failure = { error };
          scope.cancel();
        }
      } finally {
        open.delete(chunk);
      }
    };
    await permit.round(
      async () => {
        await goOn();
        const all: Promise<void>[] = [];
        // A cancel reaches the chunks, whose ends are awaited: they store what the device has done.
        while (mayStart() && waiting.length > 0) {
          if (open.size < pace.atOnce()) {
            const chunk = waiting.shift() as Chunk;
            open.add(chunk);
            started += 1;
            all.push(embed(chunk));
          } else
            await CancellationScope.nonCancellable(() => condition(() => open.size < pace.atOnce() || !mayStart()));
        }
        await Promise.all(all);
        if (failure !== undefined) throw failure.error;
      },
      () => {
        held = true;
        scope.cancel();
      },
    );
    left = [...interrupted.sort(([a], [b]) => a - b), ...waiting];
    if (left.length > 0 && workflowInfo().continueAsNewSuggested) return { left, count, at_once: pace.atOnce() };
  }
  return undefined;
}
