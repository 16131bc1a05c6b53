import { SvelteMap } from 'svelte/reactivity';
import type { Schedule } from '../api/shapes.ts';

/** Temporal's list of schedules lags a second or two behind: a new one is not on it at once. */
const LAG_MS = 5000;

/** Schedules as they were read, and when they were asked for. */
export interface ReadSchedules {
  schedules: readonly Schedule[];
  askedAtMs: number;
}

/** What was done with schedules from here, which a list that was asked for before, or lags behind, does not know. */
class ScheduleNews {
  /** Null for one that was deleted. */
  readonly #latest = new SvelteMap<string, { schedule: Schedule | null; atMs: number }>();

  changed(schedule: Schedule) {
    this.#latest.set(schedule.name, { schedule, atMs: Date.now() });
  }

  deleted(name: string) {
    this.#latest.set(name, { schedule: null, atMs: Date.now() });
  }

  /** The list with the news, by name. */
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
