import { describe, expect, it, test } from 'vitest';
import type { JobState, PhaseState } from '../../contract/job.ts';
import { ended, held, phaseEnd, released, resumed } from '../../core/jobs/phase-changes.ts';
import type { JobDocument, PhaseDocument, Waiting } from '../../core/store/documents.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000);
const PENDING: PhaseDocument = { state: 'pending', done: 0, failed: 0, total: 0, total_known: false };
const RUNNING: PhaseDocument = { ...PENDING, state: 'running', started_at: at(0) };
const waitingSince = (seconds: number, reason: Waiting['reason'] = 'worker'): Waiting => ({
  reason,
  since: at(seconds),
});
const waiting = (seconds: number, more: Partial<PhaseDocument> = {}): PhaseDocument => ({
  ...RUNNING,
  state: 'waiting',
  waiting_for: waitingSince(seconds),
  ...more,
});

describe('a phase that is held', () => {
  it('waits from then on', () => {
    expect(held(RUNNING, waitingSince(10))).toEqual({ state: 'waiting', waiting_for: waitingSince(10) });
  });

  it('keeps the beginning of the same wait', () => {
    const phase = waiting(10, { waited_ms: 3000 });
    expect(held(phase, { ...waitingSince(25), task_queue: 'gpu' })).toEqual({
      state: 'waiting',
      waiting_for: { ...waitingSince(10), task_queue: 'gpu' },
    });
  });

  it('adds up the wait before, where it waits for something else now', () => {
    expect(held(waiting(10, { waited_ms: 3000 }), waitingSince(25, 'window'))).toEqual({
      state: 'waiting',
      waiting_for: waitingSince(25, 'window'),
      waited_ms: 18_000,
    });
  });

  it('counts no wait before it began', () => {
    const { started_at, ...phase } = waiting(10);
    expect(started_at).toBeDefined();
    expect(held(phase, waitingSince(25, 'window'))).not.toHaveProperty('waited_ms');
  });
});

describe('a phase that is released', () => {
  it('begins', () => {
    expect(released(PENDING, at(5))).toEqual({ state: 'running', started_at: at(5) });
  });

  it('goes on since it began, and has waited', () => {
    expect(released(waiting(10), at(25))).toEqual({ state: 'running', started_at: at(0), waited_ms: 15_000 });
  });

  it('has waited no negative time where a clock was put back', () => {
    expect(released(waiting(10, { waited_ms: 3000 }), at(4))).toMatchObject({ waited_ms: 3000 });
  });
});

describe('a load that is resumed', () => {
  const load = { paused_at: at(20) } as JobDocument;

  it('has waited since it was paused', () => {
    expect(resumed(load, { ...RUNNING, waited_ms: 3000 }, at(50))).toEqual({ waited_ms: 33_000 });
    expect(resumed(load, RUNNING, at(50))).toEqual({ waited_ms: 30_000 });
  });

  it('has waited since the phase began, if that was later', () => {
    expect(resumed(load, { ...RUNNING, started_at: at(30) }, at(50))).toEqual({ waited_ms: 20_000 });
  });

  it.each<[string, JobDocument, PhaseDocument]>([
    ['was not paused', {} as JobDocument, RUNNING],
    ['had a phase that had not begun', load, { ...PENDING, state: 'running' }],
    ['had a phase that was over', load, { ...RUNNING, state: 'completed' }],
    ['had a phase that waited anyway', load, waiting(10)],
  ])('changes nothing if it %s', (_, job, phase) => {
    expect(resumed(job, phase, at(50))).toEqual({});
  });
});

describe('a phase that ends', () => {
  const endOf = (phase: PhaseDocument, load: Partial<JobDocument> = {}) =>
    ended({ phases: { indexing: phase, embedding: PENDING }, ...load }, 'indexing', at(60));

  it('has waited until then', () => {
    expect(endOf(waiting(10, { waited_ms: 3000 }))).toEqual({ waited_ms: 53_000 });
  });

  it('has waited while its load was paused', () => {
    expect(endOf(RUNNING, { paused_at: at(40) })).toEqual({ waited_ms: 20_000 });
  });

  it('has waited no longer if it worked', () => {
    expect(endOf(RUNNING)).toEqual({});
  });
});

test.each<[PhaseState, JobState, PhaseState]>([
  ['pending', 'completed', 'skipped'],
  ['pending', 'failed', 'skipped'],
  ['running', 'completed', 'completed'],
  ['running', 'canceled', 'canceled'],
  ['waiting', 'failed', 'failed'],
])('a phase that is %s when its load is %s is %s', (reached, load, end) => {
  expect(phaseEnd(reached, load)).toBe(end);
});
