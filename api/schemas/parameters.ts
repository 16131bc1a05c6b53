import { z } from 'zod';

/** A whole number as it stands in an address. */
export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(least).max(most))
    .meta({ type: 'integer', minimum: least, maximum: most });

/** `true` or `false` as it stands in an address; false where it does not. */
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

/** A time with a date and an offset, as a Date. */
export const time = z.iso
  .datetime({ offset: true, error: 'must be a time with a date and an offset, as in 2026-01-31T22:00:00Z' })
  .transform((text) => new Date(text))
  .meta({ type: 'string', format: 'date-time' });
