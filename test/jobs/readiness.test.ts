import { describe, expect, it } from 'vitest';
import type { PhaseState } from '../../contract/job.ts';
import { readinessOf } from '../../core/jobs/readiness.ts';
import type { DatasetDocument } from '../../core/store/documents.ts';

type Facts = Parameters<typeof readinessOf>[0];

const EARLIER = new Date('2026-01-01T00:00:00Z');
const NOON = new Date('2026-01-01T12:00:00Z');
const LATER = new Date('2026-01-02T00:00:00Z');

const phase = (state: PhaseState, job_id: string, at = NOON) => ({ state, job_id, at });
/** A model, with the time when the embedding was planned that it came to the end of. */
const model = (planned_at?: Date): DatasetDocument['models'][number] => ({
  key: 'm@1',
  name: 'm',
  revision: '1',
  dim: 3,
  vectors: 5,
  last_modified_at: NOON,
  ...(planned_at === undefined ? {} : { planned_at, completed_at: LATER }),
});

/** A dataset of five samples that the job `load` has indexed at noon; nothing has embedded it. */
const INDEXED: Facts = {
  next_seq: 5,
  counts: { total: 5, indexed: 5, failed: 0, missing: 0 },
  phases: { indexing: phase('completed', 'load') },
  models: [],
};
const NO_SAMPLES = { total: 0, indexed: 0, failed: 0, missing: 0 };

const readiness = (facts: Partial<Facts>) => readinessOf({ ...INDEXED, ...facts });

describe('a dataset that a job indexes', () => {
  const phases = { indexing: phase('running', 'load') };

  it('waits for its first sample', () => {
    expect(readiness({ next_seq: 0, counts: NO_SAMPLES, phases })).toBe('waiting');
  });

  it('can be browsed before its counts are settled', () => {
    expect(readiness({ next_seq: 256, counts: NO_SAMPLES, phases })).toBe('indexing');
  });

  it('is not ready while it is loaded again', () => {
    const again = { indexing: phase('running', 'again', LATER), embedding: phase('completed', 'load') };
    expect(readiness({ phases: again, models: [model(NOON)] })).toBe('indexing');
  });
});

describe('a dataset without samples', () => {
  const without = (state: PhaseState, next_seq: number) =>
    readiness({ next_seq, counts: NO_SAMPLES, phases: { indexing: phase(state, 'load') } });

  it('has failed where its indexing did', () => {
    expect(without('failed', 0)).toBe('failed');
    expect(without('failed', 256)).toBe('failed');
  });

  it('is empty where nothing was found, it was canceled, or all was removed', () => {
    expect(without('completed', 0)).toBe('empty');
    expect(without('canceled', 0)).toBe('empty');
    expect(without('completed', 5)).toBe('empty');
    expect(readiness({ next_seq: 0, counts: NO_SAMPLES, phases: {} })).toBe('empty');
  });

  it('is not ready, though its embedding has ended well', () => {
    const phases = { indexing: phase('completed', 'load'), embedding: phase('completed', 'load') };
    expect(readiness({ counts: NO_SAMPLES, phases, models: [model(NOON)] })).toBe('empty');
  });
});

describe('an indexed dataset', () => {
  const embeddedBy = (state: PhaseState, job: string, models: Facts['models']) =>
    readiness({ phases: { ...INDEXED.phases, embedding: phase(state, job, LATER) }, models });

  it('can be browsed, whether its indexing came to its end or not', () => {
    expect(readiness({})).toBe('browsable');
    expect(readiness({ phases: { indexing: phase('failed', 'load') } })).toBe('browsable');
    expect(readiness({ phases: { indexing: phase('canceled', 'load') } })).toBe('browsable');
    expect(readiness({ phases: {} })).toBe('browsable');
  });

  it('is ready once the job that indexed it has embedded it, whatever the clocks of two workers say', () => {
    expect(embeddedBy('running', 'load', [])).toBe('browsable');
    expect(embeddedBy('completed', 'load', [model(EARLIER)])).toBe('ready');
  });

  it('is not ready where that job could not embed it, though another model that saw less has ended since', () => {
    for (const state of ['running', 'failed', 'canceled'] as const)
      expect(embeddedBy(state, 'load', [model(LATER)])).toBe('browsable');
  });

  it('is ready once a job of its own has embedded it', () => {
    expect(embeddedBy('completed', 'embed', [model(LATER)])).toBe('ready');
  });

  it('stays ready while another model embeds it, or fails to', () => {
    expect(embeddedBy('running', 'embed', [model(LATER)])).toBe('ready');
    expect(embeddedBy('failed', 'embed', [model(LATER), { ...model(), key: 'other@1' }])).toBe('ready');
  });

  it('is not ready when it was indexed again and no embedding was planned since, though one ended', () => {
    expect(embeddedBy('completed', 'embed', [model(EARLIER)])).toBe('browsable');
  });

  it('is not ready by vectors of a model that never came to an end', () => {
    expect(embeddedBy('canceled', 'embed', [model()])).toBe('browsable');
  });
});

it('a dataset that is being deleted is nothing else', () => {
  const deleting = { job_id: 'delete', at: NOON };
  expect(readiness({ deleting })).toBe('deleting');
  expect(readiness({ deleting, phases: { indexing: phase('running', 'load') } })).toBe('deleting');
});
