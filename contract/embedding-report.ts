import { z } from 'zod';
import { INDEX_KINDS, WAIT_REASONS } from './job.ts';

const count = z.int().min(0);

/** A message from an embedding to the load or retry that it is a phase of. Counts are cumulative. */
export const embeddingReport = z.object({
  /** The embedding's first execution run ID. A reset job gets the reports of its embedding before the reset, too. */
  run_id: z.string(),
  model_key: z.string().optional(),
  device: z.string().optional(),
  state: z.enum(['running', 'waiting']),
  waiting_for: z
    .object({
      reason: z.enum(WAIT_REASONS),
      since: z.iso.datetime(),
      task_queue: z.string().nullable(),
      until: z.iso.datetime().nullable(),
      samples_per_second: z.number().optional(),
    })
    .nullable(),
  done: count,
  failed: count,
  reused: count,
  total: count,
  /** The index that is built last. */
  index: z.object({ kind: z.enum(INDEX_KINDS), done: count, total: count }).optional(),
});

export type EmbeddingReport = z.output<typeof embeddingReport>;
