import { Temporal } from 'temporal-polyfill';
import type { EmbedWindow } from '../../contract/options.ts';
import { UserError } from '../errors.ts';

/** Whether a window is open at a given time, and when that changes. */
export interface WindowState {
  open: boolean;
  /** The time of the next closing or opening. */
  changesAt: Date;
}

type Day = NonNullable<EmbedWindow['days']>[number];

const WEEK: readonly Day[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/**
 * Finds the state of a window. Opening and closing are local times, so a window is an hour shorter or longer when the
 * clocks change. A local time that the clocks skip moves later by the skipped hour. A local time that occurs twice
 * means the first occurrence. These are the rules of Temporal's disambiguation "compatible" and of RFC 5545.
 *
 * @throws UserError UnknownTimeZone
 */
export function windowAt(window: EmbedWindow, now: Date): WindowState {
  const { time_zone } = window;
  requireTimeZone(time_zone);
  const instant = Temporal.Instant.fromEpochMilliseconds(now.getTime());
  const today = instant.toZonedDateTimeISO(time_zone).toPlainDate();
  // Yesterday's window may still be open. A weekly window is at most a week away, or two weeks if the clocks skip one.
  for (let offset = -1; offset <= 2 * WEEK.length; offset++) {
    const day = today.add({ days: offset });
    if (!opensOn(window, day)) continue;
    const opens = at(day, window.start, time_zone);
    const closes = at(window.end > window.start ? day : day.add({ days: 1 }), window.end, time_zone);
    // Both times are in the hour that the clocks skip.
    if (closes <= opens) continue;
    if (now.getTime() < opens) return { open: false, changesAt: new Date(opens) };
    if (now.getTime() < closes) return { open: true, changesAt: new Date(lastClose(window, day, closes)) };
  }
  throw new Error(`The window never opens: ${JSON.stringify(window)}`);
}

/**
 * The closing time. A change of the clocks can make the next window open as this one closes; the two then count as one.
 */
function lastClose(window: EmbedWindow, day: Temporal.PlainDate, closes: number): number {
  const next = day.add({ days: 1 });
  if (!opensOn(window, next) || at(next, window.start, window.time_zone) > closes) return closes;
  return at(window.end > window.start ? next : next.add({ days: 1 }), window.end, window.time_zone);
}

const opensOn = ({ days }: EmbedWindow, day: Temporal.PlainDate) =>
  days === undefined || days.includes(WEEK[day.dayOfWeek - 1] as Day);

const at = (day: Temporal.PlainDate, time: string, zone: string) =>
  day.toPlainDateTime(Temporal.PlainTime.from(time)).toZonedDateTime(zone).epochMilliseconds;

/**
 * Returns the zone's name in IANA spelling, `Europe/Zurich` for `europe/zurich`.
 *
 * @throws UserError UnknownTimeZone naming the zone
 */
export function requireTimeZone(zone: string): string {
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone).timeZoneId;
  } catch (error) {
    throw new UserError(
      'UnknownTimeZone',
      `time_zone: "${zone}" is not known here. Name it as the IANA database does, as in Europe/Zurich or UTC.`,
      { cause: error },
    );
  }
}
