import { z } from 'zod';
import { jobInput, jobState, recordedError } from './jobs.ts';

const moment = z.iso.datetime();

export const scheduledRun = z
  .object({
    at: moment,
    result: z
      .enum([...jobState.options, 'skipped', 'unknown'])
      .describe(
        "The load's state; `skipped` where a job of the dataset was running, `unknown` where Temporal has forgotten it.",
      ),
    job_id: z.string().nullable().describe('The load that it started.'),
    error: z.union([recordedError, z.null()]),
  })
  .meta({ id: 'ScheduledRun', description: 'A run of a schedule.' });

/** The schedule that `plimsoll schedule list --json` prints. Callers of read scope see only folders' last names. */
export const schedule = z
  .object({
    name: z.string(),
    schedule_id: z.string().describe("Temporal's."),
    dataset: z.string(),
    source: z.string(),
    when: z.string().describe('In words: `At 03:00 (Europe/Zurich)`, `Every 6 hours`.'),
    cron: z.string().nullable(),
    every_seconds: z.int().nullable(),
    time_zone: z.string(),
    paused: z.boolean(),
    note: z.string().nullable().describe('Why it is paused, or who resumed it.'),
    next_run: moment.nullable().describe('Null where none is due: it is paused.'),
    last_run: z.union([scheduledRun, z.null()]),
    request: jobInput,
    created_at: moment,
  })
  .meta({ id: 'Schedule', description: 'A load that is repeated, and how that goes.' });

export const scheduleList = z
  .object({ schedules: z.array(schedule).describe('By name.') })
  .meta({ id: 'ScheduleList' });

export const schedulePauseBody = z
  .strictObject({ reason: z.string().max(1000).optional().describe('For people; shown beside the schedule.') })
  .meta({ id: 'SchedulePauseRequest' });

export type Schedule = z.infer<typeof schedule>;
export type ScheduledRun = z.infer<typeof scheduledRun>;
export type ScheduleList = z.infer<typeof scheduleList>;
