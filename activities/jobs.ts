import { Context } from '@temporalio/activity';
import type { JobState, RecordedError } from '../contract/job.ts';
import { endJob, notePaused, noteResumed } from '../core/jobs/phases.ts';
import type { Store } from '../core/store/store.ts';
import { withUserFailures } from './user-failures.ts';

export interface NotePausedInput {
  job_id: string;
  paused: boolean;
  /** RFC 3339. */
  at: string;
}

export interface RequestCancelInput {
  workflow_id: string;
  run_id: string;
}

export interface EndJobInput {
  job_id: string;
  state: JobState;
  error?: RecordedError;
}

export type JobActivities = ReturnType<typeof createJobActivities>;

/** Activities of every job: it is paused, resumed, canceled and ended. */
export function createJobActivities({ store }: { store: Store }) {
  return withUserFailures({
    /** Records that a job was paused or resumed. */
    async notePaused({ job_id, paused, at }: NotePausedInput): Promise<void> {
      const note = paused ? notePaused : noteResumed;
      await note(store, job_id, new Date(at));
    },

    /** Has Temporal cancel a run, so that Temporal shows it as canceled, too. */
    async requestCancel({ workflow_id, run_id }: RequestCancelInput): Promise<void> {
      await Context.current().client.workflow.getHandle(workflow_id, run_id).cancel();
    },

    /** Ends the job. */
    async endJob({ job_id, state, error }: EndJobInput): Promise<void> {
      await endJob(store, job_id, state, error);
    },
  });
}
