import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  type ChildWorkflowHandle,
  condition,
  ParentClosePolicy,
  proxyActivities,
  setHandler,
  sleep,
  startChild,
} from '@temporalio/workflow';
import type { EmbeddingActivities } from '../activities/embedding.ts';
import { type EmbeddingReport, embeddingReport } from '../contract/embedding-report.ts';
import type { LoadDatasetInput, RetryFailedInput } from '../contract/inputs.ts';
import { embedWorkflowId } from '../contract/names.ts';
import { priorityOf } from '../contract/priority.ts';
import type { Waiting } from '../core/store/documents.ts';
import { shortWork } from './activity-options.ts';
import type { embedDataset } from './embed-dataset.ts';
import type { JobTracker } from './job-tracker.ts';
import { embeddingProgress, setPaused } from './messages.ts';
import { parseSignal } from './parse-input.ts';
import { repeatCancel } from './repeat-cancel.ts';

const { noteWaiting } = proxyActivities<EmbeddingActivities>(shortWork);

/** The second phase of a load or a retry: runs the child workflow embedDataset and keeps its reported progress. */
export interface EmbeddingPhase {
  /** Runs the child. If another job is embedding this dataset with this model, waits for that job first. */
  run(embedTaskQueue: string, onlyFailed: boolean): Promise<void>;
  /** Tells the child that the job was paused or resumed. */
  setPaused(paused: boolean): Promise<void>;
}

/** Longest wait between two starts. Waits double up to it; ten events an hour take half a year to fill a history. */
const LONGEST_PAUSE_SECONDS = 60 * 60;

/** Creates the embedding phase of a job, and handles the child's progress signal. */
export function createEmbeddingPhase(job: JobTracker, input: LoadDatasetInput | RetryFailedInput): EmbeddingPhase {
  let child: ChildWorkflowHandle<typeof embedDataset> | undefined;
  let last: EmbeddingReport | undefined;

  /** Shows the last report, if this job's embedding sent it. A reset job gets the reports of the one before, too. */
  const follow = () => {
    if (last === undefined || last.run_id !== child?.firstExecutionRunId) return;
    const { run_id: _, state, waiting_for, model_key, device, index, ...counts } = last;
    if (state === 'waiting' && waiting_for !== null) job.hold('embedding', waitingOf(waiting_for));
    else if (job.phase('embedding').state !== 'running') job.release('embedding');
    job.update('embedding', {
      ...counts,
      ...(model_key === undefined ? {} : { model_key }),
      ...(device === undefined ? {} : { device }),
      ...(index === undefined ? {} : { index }),
      total_known: true,
    });
  };

  setHandler(
    embeddingProgress,
    (message) => {
      const report = parseSignal(embeddingReport, 'embeddingProgress', message);
      if (report !== undefined) last = report;
      follow();
    },
    { description: 'Sent by the embedding of this job: how far it is. Nobody else needs to send it.' },
  );

  // A child that has just ended rejects the signal and does not need it.
  const tell = (paused: boolean) => child?.signal(setPaused, paused).catch(() => undefined);

  return {
    async setPaused(paused) {
      await tell(paused);
    },
    async run(embed_task_queue, only_failed) {
      const { dataset, model, embed_at, embed_window, priority, fairness_key, fairness_weight } = input;
      for (let waitSeconds = 1; ; waitSeconds = Math.min(waitSeconds * 2, LONGEST_PAUSE_SECONDS)) {
        await condition(() => !job.isPaused());
        try {
          child = await startChild<typeof embedDataset>('embedDataset', {
            workflowId: embedWorkflowId(dataset, model),
            parentClosePolicy: ParentClosePolicy.TERMINATE,
            priority: priorityOf(input),
            args: [
              {
                dataset,
                model,
                embed_task_queue,
                ...(input.switch ? { switch: true } : {}),
                ...(input.index === undefined ? {} : { index: input.index }),
                ...(embed_at === undefined ? {} : { embed_at }),
                ...(embed_window === undefined ? {} : { embed_window }),
                ...(priority === undefined ? {} : { priority }),
                ...(fairness_key === undefined ? {} : { fairness_key }),
                ...(fairness_weight === undefined ? {} : { fairness_weight }),
              },
              { job_id: job.jobId, only_failed },
            ],
          });
          const canceled = repeatCancel(child);
          if (canceled !== undefined) await canceled;
          if (job.isPaused()) await tell(true);
          job.hold('embedding', { reason: 'worker', task_queue: embed_task_queue });
          // The child may have reported before its start was known here.
          follow();
          const status = await child.result();
          const { done, failed, reused = 0, total, index } = status.phases.embedding;
          job.update('embedding', {
            state: 'completed',
            done,
            failed,
            reused,
            total,
            total_known: true,
            ...(index === undefined ? {} : { index }),
            finished_at: new Date(),
          });
          return;
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
          if (job.phase('embedding').waiting_for === undefined) {
            job.hold('embedding', { reason: 'other_job', task_queue: embed_task_queue });
            await noteWaiting({ job_id: job.jobId, reason: 'other_job', task_queue: embed_task_queue });
          }
          await sleep(waitSeconds * 1000);
        } finally {
          child = undefined;
        }
      }
    },
  };
}

function waitingOf(waiting: NonNullable<EmbeddingReport['waiting_for']>): Omit<Waiting, 'since'> {
  const { reason, task_queue, until, samples_per_second } = waiting;
  return {
    reason,
    ...(samples_per_second === undefined ? {} : { samples_per_second }),
    ...(task_queue === null ? {} : { task_queue }),
    ...(until === null ? {} : { until: new Date(until) }),
  };
}
