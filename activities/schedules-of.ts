import { type Client, ScheduleNotFoundError } from '@temporalio/client';
import { SCHEDULED_WORKFLOW, scheduledLoadInput } from '../workflows/contract.ts';

/** Before the names of our schedules among others of the namespace. */
export const SCHEDULE_PREFIX = 'plimsoll-';

/** The names of all our schedules. Temporal's list lags a little behind: one that was just deleted may still be on it. */
export async function scheduleNames(temporal: Client): Promise<string[]> {
  const names: string[] = [];
  for await (const { scheduleId, action } of temporal.schedule.list()) {
    const isOurs = scheduleId.startsWith(SCHEDULE_PREFIX) && action?.workflowType === SCHEDULED_WORKFLOW;
    if (isOurs) names.push(scheduleId.slice(SCHEDULE_PREFIX.length));
  }
  return names.sort();
}

/** The names of the schedules that would load a dataset again: those that are paused already are none. */
export async function schedulesOf(temporal: Client, dataset: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await scheduleNames(temporal)) {
    const description = await temporal.schedule
      .getHandle(SCHEDULE_PREFIX + name)
      .describe()
      .catch(passOverDeleted);
    if (description === undefined || description.state.paused) continue;
    const input = scheduledLoadInput.safeParse(description.action.args?.[0]);
    if (input.success && input.data.load.dataset === dataset) found.push(name);
  }
  return found;
}

/** Pauses what would bring a dataset back that is being deleted, and says so in the schedule's note. */
export async function pauseSchedulesOf(temporal: Client, dataset: string, jobId: string): Promise<void> {
  for (const name of await schedulesOf(temporal, dataset)) {
    await temporal.schedule
      .getHandle(SCHEDULE_PREFIX + name)
      .pause(`The dataset ${dataset} was deleted, by job ${jobId}.`)
      .catch(passOverDeleted);
  }
}

/** For an operation on a schedule that was deleted since it was listed. */
export function passOverDeleted(error: unknown): undefined {
  if (!(error instanceof ScheduleNotFoundError)) throw error;
}
