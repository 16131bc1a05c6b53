import { SvelteMap } from 'svelte/reactivity';
import type { Schedule } from '../api/shapes.ts';

/** Temporal's list of schedules is a second or two out of date, so it lacks a schedule that was just created. */
const LAG_MS = 5000;

/** Schedules and the time of their request. */
export interface ReadSchedules {
  schedules: readonly Schedule[];
  askedAtMs: number;
}

/** Changes to schedules from this page, which an earlier or outdated list does not contain. */
class ScheduleNews {
  /** Null if the schedule was deleted. */
  readonly #latest = new SvelteMap<string, { schedule: Schedule | null; atMs: number }>();

  changed(schedule: Schedule) {
    this.#latest.set(schedule.name, { schedule, atMs: Date.now() });
  }

  deleted(name: string) {
    this.#latest.set(name, { schedule: null, atMs: Date.now() });
  }

  /** The list with the changes applied, by name. */
  in({ schedules, askedAtMs }: ReadSchedules): Schedule[] {
    const byName = new Map(schedules.map((schedule) => [schedule.name, schedule]));
    for (const [name, { schedule, atMs }] of this.#latest) {
      if (schedule === null) {
        if (atMs > askedAtMs - LAG_MS) byName.delete(name);
      } else if (atMs > askedAtMs || (!byName.has(name) && atMs > askedAtMs - LAG_MS)) byName.set(name, schedule);
    }
    return [...byName.values()].sort((a, b) => a.name.localeCompare(b.name));
  }
}

export const scheduleNews = new ScheduleNews();
