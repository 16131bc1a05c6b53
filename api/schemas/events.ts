import { z } from 'zod';
import { dataset } from './datasets.ts';
import { job } from './jobs.ts';

export const eventsQuery = z.strictObject({
  dataset: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be the name of a dataset')
    .optional()
    .meta({ description: 'Only jobs of this dataset.' }),
});

export const eventHeaders = z.object({
  'last-event-id': z
    .string()
    .max(200)
    .optional()
    .meta({ description: 'Sent by browsers as they connect again: what has not changed since is not sent again.' }),
});

/**
 * Events of a stream: `job` with a Job, first for each open job and then on each change; `dataset` with a Dataset on
 * each change; `dataset_removed` with its name; and on the stream of one job `end`, after its last status.
 */
export const events = { job, dataset, dataset_removed: z.object({ dataset: z.string() }), end: z.object({}) };
export type EventName = keyof typeof events;
