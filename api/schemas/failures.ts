import { z } from 'zod';
import { MOST_SEQ, wholeNumber } from './parameters.ts';
import { sample } from './samples.ts';

export const failuresQuery = z.strictObject({
  after: wholeNumber(0, MOST_SEQ)
    .optional()
    .meta({ type: 'integer', minimum: 0, maximum: MOST_SEQ, description: '`next` of the page before.' }),
  limit: wholeNumber(1, 1000)
    .default(100)
    .meta({ type: 'integer', minimum: 1, maximum: 1000, default: 100, description: 'At most this many.' }),
});

export const failurePage = z
  .object({
    failures: z.array(sample).describe('The samples that this job could not read or embed; `error` says why.'),
    next: z.int().nullable().describe('Give it as `after` for the next page; null on the last.'),
  })
  .meta({ id: 'FailurePage' });

export type FailurePage = z.infer<typeof failurePage>;
