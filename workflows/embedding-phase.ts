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
import type { LoadDatasetInput, RetryFailedInput } from '../contract/inputs.ts';
import type { WaitingStatus } from '../contract/job.ts';
import { embedWorkflowId } from '../contract/names.ts';
import { priorityOf } from '../contract/priority.ts';
import type { Waiting } from '../core/store/documents.ts';
import { shortWork } from './activity-options.ts';
import type { embedDataset } from './embed-dataset.ts';
import type { JobTracker } from './job-tracker.ts';
import { embeddingProgress, setPaused } from './messages.ts';

const { noteWaiting } = proxyActivities<EmbeddingActivities>(shortWork);

/** The second phase of a load: the child workflow embedDataset, and what is known of it here. */
export interface EmbeddingPhase {
  /** Runs the child. Where this dataset and model are being embedded by another job, waits for that one first. */
  run(embedTaskQueue: string, onlyFailed: boolean): Promise<void>;
  /** Tells the child that the load was paused, or goes on. */
  setPaused(paused: boolean): Promise<void>;
}

/** It waits about as long again as it has waited already; at this longest, ten events an hour take half a year to fill a history. */
const LONGEST_PAUSE_SECONDS = 60 * 60;

export function createEmbeddingPhase(job: JobTracker, input: LoadDatasetInput | RetryFailedInput): EmbeddingPhase {
  let child: ChildWorkflowHandle<typeof embedDataset> | undefined;

  setHandler(embeddingProgress, ({ state, waiting_for, ...report }) => {
    if (state === 'waiting' && waiting_for !== null) job.hold('embedding', waitingOf(waiting_for));
    else if (job.phase('embedding').state !== 'running') job.release('embedding');
    job.update('embedding', { ...report, total_known: true });
  });

  // A child that has just ended can't be told, and does not have to be.
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
                ...(embed_at === undefined ? {} : { embed_at }),
                ...(embed_window === undefined ? {} : { embed_window }),
                ...(priority === undefined ? {} : { priority }),
                ...(fairness_key === undefined ? {} : { fairness_key }),
                ...(fairness_weight === undefined ? {} : { fairness_weight }),
              },
              { job_id: job.jobId, only_failed },
            ],
          });
          if (job.isPaused()) await tell(true);
          job.hold('embedding', { reason: 'worker', task_queue: embed_task_queue });
          const status = await child.result();
          const { done, failed, reused = 0, total } = status.phases.embedding;
          job.update('embedding', {
            state: 'completed',
            done,
            failed,
            reused,
            total,
            total_known: true,
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

function waitingOf({ since: _since, task_queue, until, ...waiting }: WaitingStatus): Omit<Waiting, 'since'> {
  return {
    ...waiting,
    ...(task_queue === null ? {} : { task_queue }),
    ...(until === null ? {} : { until: new Date(until) }),
  };
}
