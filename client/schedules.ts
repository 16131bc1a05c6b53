import { setTimeout } from 'node:timers/promises';
import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleHandle,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { UNFINISHED_STATES } from '../contract/job.ts';
import { INDEXING_TASK_QUEUE, SCHEDULED_WORKFLOW } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import { ifFound } from '../temporal/jobs.ts';
import { SCHEDULE_PREFIX, scheduleNames } from '../temporal/schedules.ts';
import type { Backends } from './backends.ts';
import { invalidCron, parseScheduleRequest, type ScheduleRequest, unusableZone } from './schedule-request.ts';
import { type ScheduledRun, type ScheduleMemo, type ScheduleStatus, scheduleStatusOf } from './schedule-status.ts';

export interface Schedules {
  /**
   * With `startId`, the schedule is marked, and one that has this mark already is taken for the new one.
   *
   * @throws UserError InvalidInput, InvalidSchedule, ScheduleExists
   */
  create(request: ScheduleRequest, options?: { startId?: string | undefined }): Promise<ScheduleStatus>;
  /** By name. */
  list(): Promise<ScheduleStatus[]>;
  /** @throws UserError ScheduleNotFound */
  get(name: string): Promise<ScheduleStatus>;
  /** Starts no more loads until it is resumed. A running load goes on. @throws UserError ScheduleNotFound */
  pause(name: string, options?: { reason?: string | undefined }): Promise<ScheduleStatus>;
  /** @throws UserError ScheduleNotFound */
  resume(name: string): Promise<ScheduleStatus>;
  /**
   * Runs it now, even if it is paused. In the status, `last_run` is this run, which may be skipped. It is null if the
   * run has not begun within some seconds. With `since`, a run that began at that time or later is taken for this one.
   *
   * @throws UserError ScheduleNotFound, AlreadyRunning
   */
  trigger(name: string, options?: { since?: Date | undefined }): Promise<ScheduleStatus>;
  /** A running load goes on. @throws UserError ScheduleNotFound */
  delete(name: string): Promise<void>;
}

export function createSchedules(backends: Backends): Schedules {
  const { temporal } = backends;
  const read = (name: string) =>
    withSchedule(temporal, name, async (handle) => {
      const status = await scheduleStatusOf(backends, await handle.describe());
      if (status === undefined) throw scheduleNotFound(name);
      return status;
    });
  return {
    async create(request, { startId } = {}) {
      await createSchedule(backends, request, startId);
      return read(request.name);
    },
    list: () => listSchedules(backends),
    get: read,
    async pause(name, { reason } = {}) {
      // The cut may leave half of a surrogate pair, which can't be sent as UTF-8.
      const note = reason?.slice(0, LONGEST_NOTE).toWellFormed() ?? 'paused';
      await withSchedule(temporal, name, (handle) => handle.pause(note));
      return read(name);
    },
    async resume(name) {
      await withSchedule(temporal, name, (handle) => handle.unpause('resumed'));
      return read(name);
    },
    async trigger(name, { since } = {}) {
      const now = await read(name);
      const { last_run: before } = now;
      if (before !== null && since !== undefined && Date.parse(before.at) >= since.getTime()) return now;
      if (before !== null && UNDER_WAY.has(before.result)) throw underWay(name, before);
      await withSchedule(temporal, name, (handle) => handle.trigger(ScheduleOverlapPolicy.SKIP));
      return begun(() => read(name), before);
    },
    delete: (name) => withSchedule(temporal, name, (handle) => handle.delete()),
  };
}

const LONGEST_NOTE = 1000;
const UNDER_WAY: ReadonlySet<string> = new Set(UNFINISHED_STATES);

/** Temporal would skip the new run without an error. */
const underWay = (name: string, { job_id }: ScheduledRun) =>
  new UserError(
    'AlreadyRunning',
    job_id === null
      ? `The last run of schedule "${name}" has not begun: no indexing worker has started it yet.`
      : `The last run of schedule "${name}" is not over: job ${job_id}. Wait for it: plimsoll wait ${job_id}`,
  );

/** A worker that is there begins a run, or skips it, within this time. */
const BEGUN_WITHIN_MS = 5000;

/** The schedule, once the run after `before` has begun or was skipped. */
async function begun(read: () => Promise<ScheduleStatus>, before: ScheduledRun | null): Promise<ScheduleStatus> {
  const deadline = performance.now() + BEGUN_WITHIN_MS;
  for (;;) {
    const schedule = await read();
    const run = schedule.last_run?.at === before?.at ? null : schedule.last_run;
    const isSettled = run !== null && (run.job_id !== null || run.result !== 'queued');
    if (isSettled || performance.now() > deadline) return { ...schedule, last_run: run };
    await setTimeout(100);
  }
}

/**
 * Runs that an outage delayed by up to this time are made up for. They start together, and the overlap policy skips all
 * but the first. One load is enough: it finds all changes. The window covers a weekly run.
 */
const CATCHUP_WINDOW = '7 days';

async function createSchedule(
  { temporal, taskQueue = INDEXING_TASK_QUEUE }: Backends,
  request: ScheduleRequest,
  startId: string | undefined,
) {
  const { name, load, cron, every_seconds, time_zone } = parseScheduleRequest(request);
  const scheduleId = SCHEDULE_PREFIX + name;
  let schedule: ScheduleHandle;
  try {
    schedule = await temporal.schedule.create({
      scheduleId,
      spec: {
        timezone: time_zone,
        ...(cron === undefined ? {} : { cronExpressions: [cron] }),
        ...(every_seconds === undefined ? {} : { intervals: [{ every: every_seconds * 1000 }] }),
      },
      action: {
        type: 'startWorkflow',
        workflowType: SCHEDULED_WORKFLOW,
        workflowId: scheduleId,
        taskQueue,
        args: [{ load }],
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCHUP_WINDOW },
      memo: {
        cron: cron ?? null,
        every_seconds: every_seconds ?? null,
        time_zone,
        ...(startId === undefined ? {} : { start_id: startId }),
      } satisfies ScheduleMemo,
    });
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning) {
      if (startId !== undefined && (await isMarked(temporal, scheduleId, startId))) return;
      throw new UserError(
        'ScheduleExists',
        `There is already a schedule "${name}". Choose another name, or delete that one: plimsoll schedule delete ${name}`,
        { fields: ['name'] },
      );
    }
    // The SDK throws this for times that the server refuses.
    if (!(error instanceof TypeError)) throw error;
    if (/time ?zone/i.test(error.message))
      throw unusableZone(request.time_zone ?? time_zone, `Temporal says: ${error.message}`);
    if (cron !== undefined) throw invalidCron(cron, error.message);
    throw new UserError('InvalidSchedule', `every_seconds ${every_seconds} can't be used: ${error.message}`, {
      fields: ['every_seconds'],
    });
  }
  const { info } = await schedule.describe();
  if (cron === undefined || info.nextActionTimes.length > 0) return;
  await schedule.delete();
  throw invalidCron(cron, 'such a day never comes');
}

async function isMarked(temporal: Client, scheduleId: string, startId: string): Promise<boolean> {
  const found = await ifFound(temporal.schedule.getHandle(scheduleId).describe());
  return (found?.memo as ScheduleMemo | undefined)?.start_id === startId;
}

async function listSchedules(backends: Backends): Promise<ScheduleStatus[]> {
  const found: ScheduleStatus[] = [];
  for (const name of await scheduleNames(backends.temporal)) {
    const handle = backends.temporal.schedule.getHandle(SCHEDULE_PREFIX + name);
    const description = await ifFound(handle.describe());
    const status = description && (await scheduleStatusOf(backends, description));
    if (status !== undefined) found.push(status);
  }
  return found;
}

/** @throws UserError ScheduleNotFound */
async function withSchedule<T>(
  temporal: Client,
  name: string,
  work: (handle: ScheduleHandle) => Promise<T>,
): Promise<T> {
  try {
    return await work(temporal.schedule.getHandle(SCHEDULE_PREFIX + name));
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw scheduleNotFound(name);
  }
}

const scheduleNotFound = (name: string) =>
  new UserError('ScheduleNotFound', `There is no schedule "${name}". List them: plimsoll schedule list`);
