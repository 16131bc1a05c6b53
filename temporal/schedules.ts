import { type Client, ScheduleNotFoundError } from '@temporalio/client';
import { scheduledLoadInput } from '../contract/inputs.ts';
import { SCHEDULED_WORKFLOW } from '../contract/names.ts';

/** Before the names of our schedules among others of the namespace. */
export const SCHEDULE_PREFIX = 'plimsoll-';

/** The names of all our schedules. Temporal's list lags a little behind: one that was just deleted may still be on it. */
export async function scheduleNames(temporal: Client, onStep: () => void = () => undefined): Promise<string[]> {
  const names: string[] = [];
  for await (const { scheduleId, action } of temporal.schedule.list()) {
    const isOurs = scheduleId.startsWith(SCHEDULE_PREFIX) && action?.workflowType === SCHEDULED_WORKFLOW;
    if (isOurs) names.push(scheduleId.slice(SCHEDULE_PREFIX.length));
    onStep();
  }
  return names.sort();
}

/** Schedules that are asked for at a time: the list does not say what they load. */
const ASKED_AT_ONCE = 16;

/** Called as one schedule after the other is looked at. */
export interface Steps {
  onStep: () => void;
  signal: AbortSignal;
}

const unwatched: Steps = { onStep: () => undefined, signal: new AbortController().signal };

/** The names of the schedules that would load a dataset again: those that are paused already are none. */
export async function schedulesOf(temporal: Client, dataset: string, steps = unwatched): Promise<string[]> {
  const names = await scheduleNames(temporal, steps.onStep);
  const found: string[] = [];
  for (let at = 0; at < names.length; at += ASKED_AT_ONCE) {
    steps.signal.throwIfAborted();
    const batch = names.slice(at, at + ASKED_AT_ONCE);
    const would = await Promise.all(batch.map((name) => wouldLoad(temporal, name, dataset)));
    found.push(...batch.filter((_, i) => would[i]));
    steps.onStep();
  }
  return found;
}

async function wouldLoad(temporal: Client, name: string, dataset: string): Promise<boolean> {
  const description = await temporal.schedule
    .getHandle(SCHEDULE_PREFIX + name)
    .describe()
    .catch(passOverDeleted);
  if (description === undefined || description.state.paused) return false;
  const input = scheduledLoadInput.safeParse(description.action.args?.[0]);
  return input.success && input.data.load.dataset === dataset;
}

/** Pauses what would bring a dataset back that is being deleted, and says so in the schedule's note. */
export async function pauseSchedulesOf(
  temporal: Client,
  { dataset, jobId, ...steps }: { dataset: string; jobId: string } & Steps,
): Promise<void> {
  for (const name of await schedulesOf(temporal, dataset, steps)) {
    await temporal.schedule
      .getHandle(SCHEDULE_PREFIX + name)
      .pause(`The dataset ${dataset} was deleted, by job ${jobId}.`)
      .catch(passOverDeleted);
    steps.onStep();
  }
}

/** For an operation on a schedule that was deleted since it was listed. */
export function passOverDeleted(error: unknown): undefined {
  if (!(error instanceof ScheduleNotFoundError)) throw error;
}
