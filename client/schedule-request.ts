import cronstrue from 'cronstrue';
import prettyMilliseconds from 'pretty-ms';
import { z } from 'zod';
import { loadDatasetInput, plainName } from '../contract/inputs.ts';
import { zoneName } from '../contract/options.ts';
import { oneOfFields } from '../contract/schema-rules.ts';
import { UserError } from '../core/errors.ts';
import { parseRequest, requireKnownZone } from './parse-request.ts';

/** The request of `schedules.create`: a load, and when to repeat it, by `cron` or by `every_seconds`. */
export const scheduleInput = z
  .strictObject({
    name: plainName.describe('Name of the schedule.'),
    load: loadDatasetInput,
    cron: z
      .string()
      .max(1000)
      .optional()
      .describe('When: minute, hour, day of month, month and day of week, as in "0 3 * * *".'),
    every_seconds: z
      .int()
      .min(60, 'must be a minute at least')
      .max(366 * 24 * 3600, 'must be a year at most')
      .optional()
      .describe('When, in place of cron: how far apart.'),
    time_zone: zoneName.default('UTC').describe('IANA time zone of cron, as in Europe/Zurich.'),
  })
  .meta(oneOfFields('cron', 'every_seconds'))
  .describe('A load that is repeated.');

export type ScheduleInput = z.output<typeof scheduleInput>;
export type ScheduleRequest = z.input<typeof scheduleInput>;

/** When a schedule runs. */
export type Timing = Pick<ScheduleInput, 'cron' | 'every_seconds' | 'time_zone'>;

/** Checks a request before any server is asked. @throws UserError InvalidInput naming the field, InvalidSchedule */
export function parseScheduleRequest(request: ScheduleRequest): ScheduleInput {
  const parsed = parseRequest(scheduleInput, request);
  if ((parsed.cron === undefined) === (parsed.every_seconds === undefined)) {
    throw new UserError(
      'InvalidSchedule',
      `Give either cron or every_seconds; on the command line, --cron or --every. ${EXAMPLES}`,
      { fields: ['cron', 'every_seconds'] },
    );
  }
  timingInWords(parsed);
  const zone = parsed.load.embed_window?.time_zone;
  if (zone !== undefined) requireKnownZone('load.embed_window.time_zone', zone);
  return { ...parsed, time_zone: zoneOf(parsed) };
}

/** Temporal knows zones only by name, and its names are case-sensitive. */
function zoneOf({ time_zone }: ScheduleInput): string {
  const zone = requireKnownZone('time_zone', time_zone);
  if (!/^[+-]/.test(zone)) return zone;
  throw unusableZone(time_zone, 'it is an offset, and a schedule needs the name of a zone');
}

export const unusableZone = (zone: string, reason: string) =>
  new UserError(
    'InvalidInput',
    `time_zone: "${zone}" can't be used: ${reason}. Write a name of the IANA database, as in Europe/Zurich or UTC.`,
    { fields: ['time_zone'] },
  );

/** `At 03:00, Monday through Friday (Europe/Zurich)`, `Every 6 hours`. @throws UserError InvalidSchedule */
export function timingInWords({ cron, every_seconds, time_zone }: Timing): string {
  if (cron === undefined) {
    const span = prettyMilliseconds((every_seconds ?? 0) * 1000, { verbose: true });
    return `Every ${span.replace(/^1 (minute|hour|day|year)$/, '$1')}`;
  }
  const fields = cron.trim().split(/\s+/);
  if (!MACRO.test(cron) && fields.length !== 5) {
    throw invalidCron(cron, `it has ${fields.length} field${fields.length === 1 ? '' : 's'} where five are expected`);
  }
  try {
    return `${cronstrue.toString(cron, { use24HourTimeFormat: true })} (${time_zone})`;
  } catch (reason) {
    throw invalidCron(cron, String(reason).replace(/^Error: /, ''));
  }
}

const MACRO = /^@(hourly|daily|midnight|weekly|monthly|yearly|annually)$/;

const EXAMPLES =
  'As cron: "0 3 * * *" for three at night, "30 22 * * mon-fri" for workdays at 22:30 (minute, hour, day of month, month, day of week). As a span: 6h.';

export const invalidCron = (cron: string, reason: string) =>
  new UserError('InvalidSchedule', `cron "${cron}" can't be used: ${reason}. ${EXAMPLES}`, { fields: ['cron'] });
