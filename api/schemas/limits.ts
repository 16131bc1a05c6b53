import { z } from 'zod';
import { EMBEDDING_TASK_QUEUE } from '../../contract/names.ts';
import { HIGHEST_LIMIT, LOWEST_LIMIT } from '../../core/limits/limits.ts';
import { text } from './parameters.ts';

export const limit = z
  .object({
    task_queue: z.string(),
    samples_per_second: z.number().nullable().describe('Null where there is no limit.'),
    set_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Limit', description: 'How fast the embedding workers of a task queue may be, all together.' });

export const limitList = z
  .object({ limits: z.array(limit).describe('Those that are set, by the name of the task queue; at most 1,000.') })
  .meta({ id: 'LimitList' });

export const limitBody = z
  .strictObject({
    task_queue: text(1000).default(EMBEDDING_TASK_QUEUE).describe('Of the embedding workers.'),
    samples_per_second: z.number().min(LOWEST_LIMIT).max(HIGHEST_LIMIT).nullable().describe('Null lifts the limit.'),
  })
  .meta({ id: 'LimitRequest' });
