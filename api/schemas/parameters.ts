import { z } from 'zod';

/** A whole number as it stands in an address. */
export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(least).max(most))
    .meta({ type: 'integer', minimum: least, maximum: most });

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

/** Text as a database takes it. The pattern becomes part of the document, where Python's and others must read it. */
export const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is refused, written as every language's patterns have it.
    .regex(/^[^\u0000]*$/, 'must have no zero byte')
    .refine((value) => value.isWellFormed(), 'must be valid Unicode');
