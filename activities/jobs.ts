import { Context } from '@temporalio/activity';
import type { JobState, RecordedError } from '../contract/job.ts';
import { endJob, notePaused, noteResumed } from '../core/jobs/phases.ts';
import { isRunOf } from '../core/jobs/runs.ts';
import type { Store } from '../core/store/store.ts';
import { isCurrentRun, runOfActivity } from './job-runs.ts';
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

/** Creates the activities that every job shares: record a pause, request a cancel, end the job. */
export function createJobActivities({ store }: { store: Store }) {
  return withUserFailures({
    /** Records that a job was paused or resumed. */
    async notePaused({ job_id, paused, at }: NotePausedInput): Promise<void> {
      const note = paused ? notePaused : noteResumed;
      await note(store, job_id, new Date(at));
    },

    /** Asks Temporal to cancel a run, so that Temporal shows the workflow as canceled too. */
    async requestCancel({ workflow_id, run_id }: RequestCancelInput): Promise<void> {
      await Context.current().client.workflow.getHandle(workflow_id, run_id).cancel();
    },

    /** Records the end of the job and of its open phases. */
    async endJob({ job_id, state, error }: EndJobInput): Promise<void> {
      // An attempt of the run before a reset must not end the run after it.
      if (!(await isRunOf(store, job_id, runOfActivity().runId)) && !(await isCurrentRun())) return;
      await endJob(store, job_id, state, error);
    },
  });
}
