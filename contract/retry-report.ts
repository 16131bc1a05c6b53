import { z } from 'zod';

/** A worker's message to a job's workflow about one of its activities. Workers of other versions may add fields. */
export const retryReport = z.object({
  /** Identifies the activity: several may be retried at a time. */
  key: z.string(),
  /** Null once it is over: the activity has ended, or its attempt runs well. */
  retrying: z
    .object({
      activity: z.string(),
      attempt: z.int(),
      since: z.iso.datetime(),
      error: z.object({ code: z.string(), message: z.string() }),
    })
    .nullable(),
});

export type RetryReport = z.output<typeof retryReport>;
