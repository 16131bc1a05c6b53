import type { JobKind } from '../contract/job.ts';
import { LOAD_WORKFLOW } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import type { Job } from '../temporal/jobs.ts';
import type { RunningJob } from './running-job.ts';

/** The effect of a second start: it fails, returns the running job, or ends that job and takes its place. */
export const IF_RUNNING = ['fail', 'attach', 'replace'] as const;
export type IfRunning = (typeof IF_RUNNING)[number];

/** A dataset has one running load at a time, and one running embedding per model. */
export class AlreadyRunningError extends UserError {
  /** The running job. */
  readonly job: Job;
  /** Its kind; undefined for a workflow that is not ours. */
  readonly kind: JobKind | undefined;

  /** The values of `ifRunning` with which this start would succeed. */
  readonly choices: readonly IfRunning[];

  constructor({ job, kind, workflow }: RunningJob, choices: readonly IfRunning[], advice?: string) {
    const subject = SUBJECTS[kind ?? 'load'](job.dataset, workflow);
    super(
      'AlreadyRunning',
      `${subject} is running already: job ${job.job_id}.${advice === undefined ? '' : ` ${advice}`}`,
    );
    this.job = job;
    this.kind = kind;
    this.choices = choices;
  }
}

const SUBJECTS: Record<JobKind, (dataset: string, workflow: string) => string> = {
  load: (dataset, workflow) =>
    workflow === LOAD_WORKFLOW ? `A load of ${dataset}` : `A workflow ${workflow} of ${dataset}`,
  embed: (dataset) => `An embedding of ${dataset} with this model`,
  retry: (dataset) => `A retry of what failed in ${dataset}`,
  prune: (dataset) => `A prune of ${dataset}`,
  relocate: (dataset) => `A relocate of ${dataset}`,
  forget: (dataset) => `A forget of a folder of ${dataset}`,
  delete: (dataset) => `The deletion of ${dataset}`,
  index: (dataset) => `The building of an index of this model's vectors in ${dataset}`,
  duplicates: (dataset) => `A search for duplicates in ${dataset}`,
  drop: (dataset) => `A drop of this model's vectors in ${dataset}`,
  annotate: (dataset) => `An annotation of ${dataset}`,
  export: (dataset) => `An export of ${dataset}`,
  import: (dataset) => `An import of this model's vectors into ${dataset}`,
};
