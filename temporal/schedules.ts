import type { Client } from '@temporalio/client';
import { type LoadDatasetInput, scheduledLoadInput } from '../contract/inputs.ts';
import { SCHEDULED_WORKFLOW } from '../contract/names.ts';
import { askAll, ifFound } from './jobs.ts';

/** Begins the IDs of our schedules, which tells them from others of the namespace. */
export const SCHEDULE_PREFIX = 'plimsoll-';

/** The names of all our schedules. Temporal's list lags a little: it may still name one that was just deleted. */
export async function scheduleNames(temporal: Client, onStep: () => void = () => undefined): Promise<string[]> {
  const names: string[] = [];
  for await (const { scheduleId, action } of temporal.schedule.list()) {
    const isOurs = scheduleId.startsWith(SCHEDULE_PREFIX) && action?.workflowType === SCHEDULED_WORKFLOW;
    if (isOurs) names.push(scheduleId.slice(SCHEDULE_PREFIX.length));
    onStep();
  }
  return names.sort();
}

export interface Steps {
  /** Called after each schedule that was looked at. */
  onStep: () => void;
  signal: AbortSignal;
}

/** Which schedules of a dataset are meant. */
export interface ScheduleFilter extends Partial<Steps> {
  /** Only schedules whose load passes. */
  loads?: (load: LoadDatasetInput) => boolean;
}

/** The names of the schedules that would load a dataset again. Paused ones would not. */
export async function schedulesOf(
  temporal: Client,
  dataset: string,
  { onStep = () => undefined, signal, loads = () => true }: ScheduleFilter = {},
): Promise<string[]> {
  const names = await scheduleNames(temporal, onStep);
  // The list does not say what a schedule loads.
  const loading = await askAll(names, async (name) => {
    signal?.throwIfAborted();
    const load = await loadOf(temporal, name, dataset);
    onStep();
    return load !== undefined && loads(load) ? [name] : [];
  });
  return loading.flat();
}

/** The load of a schedule that would load the dataset; undefined if it would not. */
async function loadOf(temporal: Client, name: string, dataset: string): Promise<LoadDatasetInput | undefined> {
  const description = await ifFound(temporal.schedule.getHandle(SCHEDULE_PREFIX + name).describe());
  if (description === undefined || description.state.paused) return undefined;
  const input = scheduledLoadInput.safeParse(description.action.args?.[0]);
  return input.success && input.data.load.dataset === dataset ? input.data.load : undefined;
}

/** Pauses the schedules that would bring a deleted dataset back. The note of each says why. */
export async function pauseSchedulesOf(
  temporal: Client,
  { dataset, jobId, ...steps }: { dataset: string; jobId: string } & Steps,
): Promise<void> {
  for (const name of await schedulesOf(temporal, dataset, steps)) {
    const handle = temporal.schedule.getHandle(SCHEDULE_PREFIX + name);
    await ifFound(handle.pause(`The dataset ${dataset} was deleted, by job ${jobId}.`));
    steps.onStep();
  }
}
