import { expect, it } from 'vitest';
import type { JobStatus } from '../../contract/job.ts';
import { payloadOf } from '../../contract/webhook-payload.ts';

const AT = new Date('2026-01-31T22:00:00Z');
const phase = { state: 'completed', done: 3, failed: 1, total: 4, rate: 2, started_at: null };
const STATUS = {
  job_id: 'job',
  workflow_id: 'load-photos',
  dataset: 'photos',
  kind: 'load',
  state: 'completed',
  phases: { indexing: phase, embedding: { ...phase, done: 2 } },
  error: null,
  request: { source: '/photos' },
} as unknown as JobStatus;

it('tells how the job stands, and nothing of what it was asked for', () => {
  const counts = { state: 'completed', done: 3, failed: 1, total: 4 };
  expect(payloadOf('dataset.ready', STATUS, AT)).toEqual({
    type: 'dataset.ready',
    timestamp: '2026-01-31T22:00:00.000Z',
    data: {
      job_id: 'job',
      workflow_id: 'load-photos',
      dataset: 'photos',
      kind: 'load',
      state: 'completed',
      phases: { indexing: counts, embedding: { ...counts, done: 2 } },
      model_key: null,
      error: null,
    },
  });
});

it('names the model, and the beginning of why the job failed', () => {
  const { phases } = STATUS;
  const status = {
    ...STATUS,
    phases: { ...phases, embedding: { ...phases.embedding, model_key: 'm@1' } },
    error: { code: 'TooManyFailed', message: `${'a'.repeat(2000)}b` },
  };
  expect(payloadOf('job.failed', status, AT).data).toMatchObject({
    model_key: 'm@1',
    error: { code: 'TooManyFailed', message: 'a'.repeat(2000) },
  });
});
