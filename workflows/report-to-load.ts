import { getExternalWorkflowHandle, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { EmbeddingReport } from '../contract/embedding-report.ts';
import { waitingStatusOf } from '../core/jobs/status.ts';
import type { JobTracker } from './job-tracker.ts';
import { embeddingProgress } from './messages.ts';

/** A report is an event in the history of the load, and an action in Temporal Cloud. */
const REPORT_EVERY_MS = 10_000;
const REPORTS = 100;

/**
 * Returns a function that reports the embedding's progress to the parent job, if there is one. A change of the state is
 * reported at once. Counts are reported after some time and a hundredth of the work, so a run has a hundred of them.
 */
export function createReporter(job: JobTracker): () => Promise<void> {
  const { parent, firstExecutionRunId: run_id } = workflowInfo();
  let reported: EmbeddingReport | undefined;
  let reportedAt = 0;
  const isNews = (report: EmbeddingReport): boolean => {
    if (reported === undefined || stateOf(report) !== stateOf(reported)) return true;
    const more = report.done + report.failed - reported.done - reported.failed;
    return more > report.total / REPORTS && Date.now() - reportedAt >= REPORT_EVERY_MS;
  };
  return async function reportToLoad() {
    if (parent === undefined) return;
    const { done, failed, reused = 0, total, model_key, device, state, waiting_for, index } = job.phase('embedding');
    const report: EmbeddingReport = {
      run_id,
      ...(model_key === undefined ? {} : { model_key }),
      ...(device === undefined ? {} : { device }),
      state: state === 'waiting' ? state : 'running',
      waiting_for: waiting_for === undefined ? null : waitingStatusOf(waiting_for),
      done,
      failed,
      reused,
      total,
      ...(index === undefined ? {} : { index }),
    };
    if (!isNews(report)) return;
    reported = report;
    reportedAt = Date.now();
    try {
      await getExternalWorkflowHandle(parent.workflowId).signal(embeddingProgress, report);
    } catch (error) {
      // Reports are cumulative, and a parent that has ended needs none.
      if (isCancellation(error)) throw error;
    }
  };
}

const stateOf = ({ model_key, state, waiting_for, total, index }: EmbeddingReport): string =>
  JSON.stringify([model_key, state, waiting_for, total, ...(index === undefined ? [] : [index])]);
