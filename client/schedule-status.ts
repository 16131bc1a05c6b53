import type { ScheduleDescription } from '@temporalio/client';
import { type LoadDatasetInput, scheduledLoadInput } from '../contract/inputs.ts';
import type { JobState, RecordedError } from '../contract/job.ts';
import { loadWorkflowId } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import { ifFound, isRunning } from '../temporal/jobs.ts';
import { SCHEDULE_PREFIX } from '../temporal/schedules.ts';
import type { ScheduledLoadMemo } from '../workflows/scheduled-load.ts';
import type { Backends } from './backends.ts';
import { readJob } from './read-job.ts';
import { type Timing, timingInWords } from './schedule-request.ts';

/** A load that is repeated, and how its last run ended. */
export interface ScheduleStatus {
  name: string;
  /** The schedule's ID on Temporal. */
  schedule_id: string;
  dataset: string;
  source: string;
  /** For people: `At 03:00 (Europe/Zurich)`, `Every 6 hours`. */
  when: string;
  cron: string | null;
  every_seconds: number | null;
  time_zone: string;
  paused: boolean;
  /** Why it is paused, or who resumed it. */
  note: string | null;
  /** RFC 3339, UTC; null if no run is due, as when it is paused. */
  next_run: string | null;
  last_run: ScheduledRun | null;
  /** The input of each load. */
  request: LoadDatasetInput;
  created_at: string;
}

/** A run of a schedule. */
export interface ScheduledRun {
  /** RFC 3339, UTC. */
  at: string;
  /** The load's state; `skipped` if a job of the dataset was running; `unknown` if Temporal no longer knows the run. */
  result: JobState | 'skipped' | 'unknown';
  /** The job ID of the load that the run started. */
  job_id: string | null;
  error: RecordedError | null;
}

/** Times as they were written, which Temporal does not give back. This is a type because memos take no interface. */
export type ScheduleMemo = {
  cron: string | null;
  every_seconds: number | null;
  time_zone: string;
  /** The mark of the request that made it. */
  start_id?: string;
};

/** Undefined for a schedule that loads nothing: somebody else made it. */
export async function scheduleStatusOf(
  backends: Backends,
  schedule: ScheduleDescription,
): Promise<ScheduleStatus | undefined> {
  const { scheduleId, action, memo, state, info } = schedule;
  const input = scheduledLoadInput.safeParse(action.args?.[0]);
  if (!input.success) return undefined;
  const { load } = input.data;
  const { cron = null, every_seconds = null, time_zone = 'UTC' } = (memo ?? {}) as Partial<ScheduleMemo>;
  const timing: Timing = {
    time_zone,
    ...(cron === null ? {} : { cron }),
    ...(every_seconds === null ? {} : { every_seconds }),
  };
  return {
    name: scheduleId.slice(SCHEDULE_PREFIX.length),
    schedule_id: scheduleId,
    dataset: load.dataset,
    source: load.source,
    when: cron === null && every_seconds === null ? 'As set on Temporal' : timingInWords(timing),
    cron,
    every_seconds,
    time_zone,
    paused: state.paused,
    note: state.note || null,
    next_run: state.paused ? null : (info.nextActionTimes[0]?.toISOString() ?? null),
    last_run: await lastRunOf(backends, schedule, load.dataset),
    request: load,
    created_at: info.createdAt.toISOString(),
  };
}

async function lastRunOf(
  backends: Backends,
  { info }: ScheduleDescription,
  dataset: string,
): Promise<ScheduledRun | null> {
  const last = info.recentActions.at(-1);
  if (last === undefined) return null;
  const { workflowId, firstExecutionRunId } = last.action.workflow;
  const run = { at: last.takenAt.toISOString(), job_id: null, error: null };
  const workflow = await ifFound(backends.temporal.workflow.getHandle(workflowId, firstExecutionRunId).describe());
  if (workflow === undefined) return { ...run, result: 'unknown' };
  const { skipped, job_id } = (workflow.memo ?? {}) as Partial<ScheduledLoadMemo>;
  if (skipped) return { ...run, result: 'skipped' };
  if (!job_id) return { ...run, result: isRunning(workflow) ? 'queued' : 'failed' };
  try {
    const { state, error } = await readJob(backends, { job_id, workflow_id: loadWorkflowId(dataset), dataset });
    return { ...run, result: state, job_id, error };
  } catch (error) {
    if (error instanceof UserError && error.code === 'JobNotFound') return { ...run, result: 'unknown' };
    throw error;
  }
}
