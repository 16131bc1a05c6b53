import { bodyOf, emptyForm, type LoadForm, ownZone } from './new-load.ts';

/** How the times of a schedule are entered: a time of day, an interval, or a cron expression. */
export type Rhythm = 'daily' | 'every' | 'cron';

/** The values of the form for a new schedule. */
export interface ScheduleForm {
  load: LoadForm;
  name: string;
  rhythm: Rhythm;
  /** `03:00` */
  time: string;
  /** Every day if none is chosen. */
  days: string[];
  every: string;
  unit: keyof typeof UNITS;
  cron: string;
  zone: string;
}

export const UNITS = { minutes: 60, hours: 3600, days: 86_400 } as const;

export const RHYTHMS: readonly (readonly [Rhythm, string])[] = [
  ['daily', 'At a time of day'],
  ['every', 'Every so often'],
  ['cron', 'By cron'],
];

export const emptyScheduleForm = (): ScheduleForm => ({
  load: emptyForm(),
  name: '',
  rhythm: 'daily',
  time: '03:00',
  days: [],
  every: '6',
  unit: 'hours',
  cron: '',
  zone: ownZone(),
});

/** The request body. An interval has no time zone, because it counts from midnight UTC. */
export function scheduleBodyOf(form: ScheduleForm): Record<string, unknown> {
  const { rhythm, every, unit, zone } = form;
  return {
    name: form.name.trim(),
    load: bodyOf({ ...form.load, embed_at: '' }),
    ...(rhythm === 'every'
      ? { every_seconds: Math.round(Number(every) * UNITS[unit]) }
      : { cron: rhythm === 'cron' ? form.cron.trim() : cronOf(form), time_zone: zone.trim() }),
  };
}

/** `0 3 * * mon,fri` */
function cronOf({ time, days }: Pick<ScheduleForm, 'time' | 'days'>): string {
  const [hours = '', minutes = ''] = time.split(':');
  const every = days.length === 0 || days.length === 7;
  return `${Number(minutes)} ${Number(hours)} * * ${every ? '*' : days.join(',')}`;
}
