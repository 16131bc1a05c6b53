import { z } from 'zod';
import { DURATION_PATTERN, parseDuration } from '../../core/duration.ts';

/** A whole number in a URL. */
export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(least).max(most))
    .meta({ type: 'integer', minimum: least, maximum: most });

/** One or more values; the parameter is repeated for each: `state=failed&state=canceled`. */
export const several = <T extends z.ZodType>(one: T) =>
  z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(one).min(1).max(20));

/** The characters of a cursor. Whether it is one of ours, its list says. */
export const base64url = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[A-Za-z0-9_-]+$/, { error: 'must be `next` of the page before, as it was', abort: true });

/** A duration in the command's syntax, for example `90d`, parsed to milliseconds. */
export const span = z
  .string()
  .max(100)
  .transform(parseDuration)
  .pipe(
    z.number({ error: 'must be a time span with a unit, as 30d, 12h or 1h30m: longer than zero, 68 years at most' }),
  )
  .meta({ type: 'string', pattern: DURATION_PATTERN });

/** `true` or `false` in a URL; default false. */
export const flag = (description: string) =>
  z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .meta({ type: 'boolean', default: false, description });

export const MOST_SEQ = 2_147_483_647;

export const datasetParameter = z.object({
  dataset: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be the name of a dataset')
    .meta({ param: { name: 'dataset', in: 'path' }, description: "The dataset's name.", example: 'photos' }),
});

export const modelParameters = datasetParameter.extend({
  key: z
    .string()
    .min(1)
    .max(4200)
    .meta({
      param: { name: 'key', in: 'path' },
      description:
        "The model's key, `name@revision`, with every slash as `%2F`. Its name will do if it has one revision.",
      example: 'color-gradient-grid@1b7a3c5d9e02',
    }),
});

export const jobParameter = z.object({
  job: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "must be a job's ID, a beginning of it, or a dataset's name")
    .meta({
      param: { name: 'job', in: 'path' },
      description: "A job's ID, six or more characters that it alone begins with, or a dataset's name: its latest job.",
      example: 'photos',
    }),
});

export const scheduleParameter = z.object({
  schedule: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be the name of a schedule')
    .meta({ param: { name: 'schedule', in: 'path' }, description: "The schedule's name.", example: 'nightly' }),
});

export const sampleParameters = datasetParameter.extend({
  seq: wholeNumber(0, MOST_SEQ).meta({
    param: { name: 'seq', in: 'path' },
    type: 'integer',
    minimum: 0,
    maximum: MOST_SEQ,
    description: "The sample's number in its dataset.",
  }),
});

/** Headers of requests that start something. */
export const IDEMPOTENCY_KEY = 'idempotency-key';

export const startHeaders = z.object({
  [IDEMPOTENCY_KEY]: z
    .string()
    // The draft of the header has it in quotes. Most clients send none.
    .regex(/^("[ !#-~]{1,255}"|[!#-~]{1,255})$/, 'must have 1 to 255 printable ASCII characters without quotes')
    .transform((key) => key.replaceAll('"', ''))
    .optional()
    .meta({
      type: 'string',
      description:
        'A key of your own for this request, as a UUID. A repetition with the same key, address and body starts nothing and gets the same answer, for a day.',
      example: '8e03978e-40d5-43dd-bc93-6894a57f9324',
    }),
});

/** An RFC 3339 time, parsed to a Date. */
export const time = z.iso
  .datetime({ offset: true, error: 'must be a time with a date and an offset, as in 2026-01-31T22:00:00Z' })
  .transform((text) => new Date(text))
  .meta({ type: 'string', format: 'date-time' });

/** Text that MongoDB accepts. The OpenAPI document shows the pattern, so it must be valid in other languages too. */
export const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: every language must read the pattern
    .regex(/^[^\u0000]*$/, 'must have no zero byte')
    .refine((value) => value.isWellFormed(), 'must be valid Unicode');
