import { z } from 'zod';
import type { JobStatus } from './job.ts';
import { WEBHOOK_EVENTS, type WebhookEvent } from './options.ts';

/**
 * Receivers are asked to keep to small payloads; a message longer than this says nothing that a shorter one does not.
 */
const LONGEST_MESSAGE = 2000;

const phase = z.object({
  state: z.string().describe('pending, running, waiting, completed, failed, canceled or skipped.'),
  done: z.int().describe('Items that went well.'),
  failed: z.int().describe('Items that did not.'),
  total: z.int().describe('Items to be done, as far as it is known.'),
});

/** The content of a webhook's body. Receivers must expect fields to be added. */
export const webhookPayload = z
  .object({
    type: z.enum(WEBHOOK_EVENTS).describe('What happened.'),
    timestamp: z.iso.datetime().describe('When it happened, which may be long before it is delivered.'),
    data: z.object({
      job_id: z.string().describe('The job, as `plimsoll status` takes it.'),
      workflow_id: z.string().describe('Its Workflow ID on Temporal.'),
      dataset: z.string().describe('Name of the dataset.'),
      kind: z.string().describe('load, retry or embed.'),
      state: z.string().describe('State of the job when it happened: running, completed, failed or canceled.'),
      phases: z.object({ indexing: phase, embedding: phase }),
      model_key: z.string().nullable().describe('The model that embeds, name@revision; null where none has begun to.'),
      error: z.object({ code: z.string(), message: z.string() }).nullable().describe('Why it failed; else null.'),
    }),
  })
  .describe('Body of a webhook.');

export type WebhookPayload = z.output<typeof webhookPayload>;

export function payloadOf(type: WebhookEvent, status: JobStatus, at: Date): WebhookPayload {
  const { job_id, workflow_id, dataset, kind, state, phases, error } = status;
  return {
    type,
    timestamp: at.toISOString(),
    data: {
      job_id,
      workflow_id,
      dataset,
      kind,
      state,
      phases: { indexing: countsOf(phases.indexing), embedding: countsOf(phases.embedding) },
      model_key: phases.embedding.model_key ?? null,
      error: error && { code: error.code, message: error.message.slice(0, LONGEST_MESSAGE) },
    },
  };
}

const countsOf = ({ state, done, failed, total }: JobStatus['phases']['indexing']) => ({ state, done, failed, total });
