import { getExternalWorkflowHandle, isCancellation, workflowInfo } from '@temporalio/workflow';
import { waitingStatusOf } from '../core/jobs/status.ts';
import type { JobTracker } from './job-tracker.ts';
import { type EmbeddingReport, embeddingProgress } from './messages.ts';

/**
 * Returns a function that reports the embedding's progress to the parent job, if it has changed and there is a parent.
 */
export function createReporter(job: JobTracker): () => Promise<void> {
  const { parent } = workflowInfo();
  let reported = '';
  return async function reportToLoad() {
    if (parent === undefined) return;
    const { done, failed, reused = 0, total, model_key, state, waiting_for } = job.phase('embedding');
    const report: EmbeddingReport = {
      ...(model_key === undefined ? {} : { model_key }),
      state: state === 'waiting' ? state : 'running',
      waiting_for: waiting_for === undefined ? null : waitingStatusOf(waiting_for),
      done,
      failed,
      reused,
      total,
    };
    const text = JSON.stringify(report);
    if (text === reported) return;
    reported = text;
    await tellParent(() => getExternalWorkflowHandle(parent.workflowId).signal(embeddingProgress, report));
  };
}

/**
 * Sends a signal to the parent and ignores failures: reports are cumulative, and a parent that has ended needs none.
 */
export async function tellParent(tell: () => Promise<void>): Promise<void> {
  try {
    await tell();
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
}
