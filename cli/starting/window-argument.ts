import { InvalidArgumentError } from 'commander';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
type Day = (typeof DAYS)[number];

/** An embedding window on the command line. Its time zone is a separate option. */
export interface ParsedWindow {
  start: string;
  end: string;
  days?: Day[];
}

const EXAMPLES = 'Write it as 22:00-06:00, "mon-fri 22:00-06:00" or "sat,sun 00:00-08:00".';

/** Parses `22:00-06:00`, or `mon-fri 22:00-06:00` with the days on which it opens. */
export function clockWindow(text: string): ParsedWindow {
  const [, dayList, from = '', to = ''] = /^\s*(?:(\S.*?)\s+)?(\d\S*?)\s*[-–]\s*(\d\S*)\s*$/.exec(text) ?? [];
  if (from === '') throw new InvalidArgumentError(`Expected a time window. ${EXAMPLES}`);
  const start = clockTime(from);
  const end = to === '24:00' ? '00:00' : clockTime(to);
  if (start === end) {
    throw new InvalidArgumentError(
      `A window from ${from} to ${to} has no length. Leave it out to embed at any time. ${EXAMPLES}`,
    );
  }
  return { start, end, ...(dayList === undefined ? {} : { days: daysOf(dayList) }) };
}

function clockTime(text: string): string {
  const [, hours = '', minutes = ''] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  if (hours === '' || Number(hours) > 23 || Number(minutes) > 59) {
    throw new InvalidArgumentError(`"${text}" is not a time of day from 00:00 to 23:59. ${EXAMPLES}`);
  }
  return `${hours.padStart(2, '0')}:${minutes}`;
}

/** `mon-fri`, `sat,sun`, `fri-mon`, `wed` */
function daysOf(text: string): Day[] {
  const found = new Set<Day>();
  for (const part of text.toLowerCase().split(/\s*,\s*/)) {
    const [first, last = first] = part.split(/\s*[-–]\s*/).map(dayOf);
    // A range may cross the end of the week.
    for (let day = first ?? 0; ; day = (day + 1) % DAYS.length) {
      found.add(DAYS[day] as Day);
      if (day === last) break;
    }
  }
  return DAYS.filter((day) => found.has(day));
}

function dayOf(text: string): number {
  const day = /^[a-z]{3}/.test(text) ? FULL_NAMES.findIndex((name) => name === text || name.slice(0, 3) === text) : -1;
  if (day === -1) throw new InvalidArgumentError(`"${text}" is not a day: ${DAYS.join(', ')}. ${EXAMPLES}`);
  return day;
}

const FULL_NAMES = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
