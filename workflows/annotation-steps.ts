import { proxyActivities } from '@temporalio/workflow';
import type { AnnotationActivities } from '../activities/annotations.ts';
import { priorityOf, type QueueOptions } from '../contract/priority.ts';
import type { AnnotationPlan } from '../core/annotations/plan.ts';
import { longWork } from './activity-options.ts';
import type { JobTracker } from './job-tracker.ts';

/** The steps that annotate samples. Each goes on where it was if it is called again. */
export interface AnnotationSteps {
  /** Reads what the plan names. It needs no samples. Returns whether there is something to apply. */
  read(): Promise<boolean>;
  /** Gives the samples what was read. */
  apply(): Promise<void>;
}

export function annotationSteps(job: JobTracker, input: QueueOptions, plan: AnnotationPlan): AnnotationSteps {
  const work = { ...longWork, priority: priorityOf(input) };
  const { readAnnotations, applyAnnotations } = proxyActivities<AnnotationActivities>(work);
  const asked = { job_id: job.jobId, plan };
  return {
    async read() {
      const status = await readAnnotations(asked);
      job.noteAnnotations(status);
      return status.state !== 'failed';
    },
    async apply() {
      job.noteAnnotations(await applyAnnotations({ ...asked, dataset: input.dataset }));
    },
  };
}
