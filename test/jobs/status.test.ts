import { describe, expect, it } from 'vitest';
import { phaseStatusOf, shownOf, statusOf, waitingStatusOf } from '../../core/jobs/status.ts';
import type { JobDocument, PhaseDocument } from '../../core/store/documents.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000);
const NOW = at(100);
const PENDING: PhaseDocument = { state: 'pending', done: 0, failed: 0, total: 0, total_known: false };
const RUNNING: PhaseDocument = {
  state: 'running',
  done: 150,
  failed: 50,
  total: 1000,
  total_known: true,
  started_at: at(0),
};
const LOAD: JobDocument = {
  _id: 'job',
  kind: 'load',
  dataset_id: 'photos',
  workflow_id: 'load-photos',
  request: { source: '/photos' },
  state: 'running',
  phases: { indexing: RUNNING, embedding: PENDING },
  started_at: at(0),
};

const phase = (fields: Partial<PhaseDocument>) => phaseStatusOf({ ...RUNNING, ...fields }, NOW);

describe('the status of a job', () => {
  it('is what its record says', () => {
    expect(statusOf(LOAD, NOW)).toStrictEqual({
      job_id: 'job',
      workflow_id: 'load-photos',
      kind: 'load',
      dataset: 'photos',
      state: 'running',
      phases: { indexing: phaseStatusOf(RUNNING, NOW), embedding: phaseStatusOf(PENDING, NOW) },
      error: null,
      retrying: null,
      request: { source: '/photos' },
      started_at: '2026-01-01T00:00:00.000Z',
      paused_at: null,
      finished_at: null,
    });
  });

  it('has an error, what was removed, and times, where there are some', () => {
    const error = { code: 'SourceEmpty', message: 'There is no image.' };
    const removed = { samples: 3, vectors: 2 };
    expect(statusOf({ ...LOAD, error, removed, paused_at: at(1), finished_at: at(2) }, NOW)).toMatchObject({
      error,
      removed,
      paused_at: '2026-01-01T00:00:01.000Z',
      finished_at: '2026-01-01T00:00:02.000Z',
    });
  });
});

describe('the retried activity of a job', () => {
  const retried = (activity: string, seconds: number) => ({
    activity,
    attempt: 3,
    since: at(seconds),
    error: { code: 'DiskError', message: 'no disk' },
  });
  const job = { ...LOAD, retrying: { a: retried('indexPage', 60), b: retried('listSource', 50) } };

  it('is the one that has failed for longest', () => {
    expect(statusOf(job, NOW).retrying).toStrictEqual({
      ...retried('listSource', 50),
      since: '2026-01-01T00:00:50.000Z',
    });
  });

  it('is none once the last report is taken back', () => {
    expect(statusOf({ ...LOAD, retrying: {} }, NOW).retrying).toBeNull();
  });

  it('is none while the job is paused, and after its end', () => {
    expect(statusOf({ ...job, paused_at: at(70) }, NOW).retrying).toBeNull();
    expect(statusOf({ ...job, finished_at: at(70) }, NOW).retrying).toBeNull();
  });
});

describe('a phase of a paused load', () => {
  const shown = (fields: Partial<PhaseDocument>, paused_at: Date | undefined = at(60)) =>
    shownOf(
      { phases: { indexing: { ...RUNNING, ...fields }, embedding: PENDING }, ...(paused_at && { paused_at }) },
      'indexing',
    );

  it('waits since the load was paused, and has waited no time yet', () => {
    expect(shown({})).toEqual({
      ...RUNNING,
      state: 'waiting',
      waiting_for: { reason: 'paused', since: at(60) },
      waited_ms: 0,
    });
  });

  it('has waited since before, if it waited for something else', () => {
    const waiting_for = { reason: 'window', since: at(50) } as const;
    expect(shown({ state: 'waiting', waiting_for, waited_ms: 5000 })).toMatchObject({
      waiting_for: { reason: 'paused', since: at(60) },
      waited_ms: 15_000,
    });
  });

  it('has not waited before the pause for what it was to wait for later', () => {
    const waiting_for = { reason: 'window', since: at(70) } as const;
    expect(shown({ state: 'waiting', waiting_for, waited_ms: 5000 })).toMatchObject({ waited_ms: 5000 });
  });

  it('is as it was if it is over, or not begun', () => {
    for (const state of ['completed', 'pending', 'failed'] as const) expect(shown({ state })).toMatchObject({ state });
  });
});

it('a phase of a load that is not paused is as it is', () => {
  expect(shownOf(LOAD, 'indexing')).toEqual(RUNNING);
});

describe('the status of a phase', () => {
  it('has a rate and the time left', () => {
    expect(phase({})).toEqual({
      state: 'running',
      done: 150,
      failed: 50,
      total: 1000,
      total_known: true,
      rate: 2,
      seconds_left: 400,
      still_since: null,
      waited_seconds: 0,
      waiting_for: null,
      started_at: '2026-01-01T00:00:00.000Z',
      finished_at: null,
    });
  });

  it('counts no more than there is', () => {
    expect(phase({ done: 1200 })).toMatchObject({ done: 1000, failed: 0, seconds_left: 0 });
    expect(phase({ done: 970 })).toMatchObject({ done: 970, failed: 30 });
  });

  it('has no rate before it has begun, has done something, and has taken time', () => {
    const { started_at, ...unbegun } = RUNNING;
    expect(started_at).toBeDefined();
    expect(phaseStatusOf(unbegun, NOW)).toMatchObject({ rate: null, seconds_left: null, started_at: null });
    expect(phase({ done: 0, failed: 0 })).toMatchObject({ rate: null, seconds_left: null });
    expect(phase({ started_at: NOW })).toMatchObject({ rate: null });
  });

  it('rounds its rate to four digits and the time left up', () => {
    expect(phase({ done: 333_333, failed: 0, total: 333_334 })).toMatchObject({ rate: 3333, seconds_left: 1 });
  });

  it('has a rate from its first moment on', () => {
    expect(phase({ started_at: at(99.5) })).toMatchObject({ rate: 400 });
    expect(phase({ started_at: at(99), done: 1000, failed: 0 })).toMatchObject({ rate: 1000 });
  });

  it('tells no time left while the source is being listed', () => {
    expect(phase({ total_known: false })).toMatchObject({ rate: 2, seconds_left: null });
  });

  it('counts no time of waits that are over', () => {
    expect(phase({ waited_ms: 50_000 })).toMatchObject({ rate: 4, waited_seconds: 50 });
  });

  it('keeps its rate while it waits, and tells no time left', () => {
    const waiting_for = { reason: 'window', since: at(50), until: at(500) } as const;
    expect(phase({ state: 'waiting', waiting_for })).toMatchObject({
      rate: 4,
      seconds_left: null,
      waiting_for: { reason: 'window', since: '2026-01-01T00:00:50.000Z', until: '2026-01-01T00:08:20.000Z' },
    });
  });

  it('keeps its rate up to now where nothing says since when it waits', () => {
    expect(phase({ state: 'waiting' })).toMatchObject({ rate: 2, waiting_for: null });
  });

  it('goes on while a limit holds it back', () => {
    const waiting_for = { reason: 'throttled', since: at(50) } as const;
    expect(phase({ waiting_for })).toMatchObject({ rate: 2, seconds_left: 400, waiting_for: { reason: 'throttled' } });
  });

  it('waits for nothing once it is over, and has no time left', () => {
    const waiting_for = { reason: 'window', since: at(50) } as const;
    expect(phase({ state: 'canceled', waiting_for, finished_at: at(50) })).toMatchObject({
      rate: 4,
      seconds_left: 0,
      waiting_for: null,
      finished_at: '2026-01-01T00:00:50.000Z',
    });
  });

  it('says what became of the files', () => {
    const outcomes = {
      added: 1,
      changed: 2,
      unchanged: 3,
      missing: 4,
      failed: 5,
      ignored: 6,
      excluded: 0,
      unreadable_folders: 7,
    };
    const named = {
      failures: { Unreadable: 5 },
      unreadable_folders: ['/a'],
      outside_links: ['/b'],
      model_key: 'm@1',
    };
    expect(phase({ ...named, outcomes: { ...outcomes, outside_links: 8 } })).toMatchObject({
      ...named,
      outcomes: { ...outcomes, outside_links: 8 },
    });
  });

  it('leaves out lists that are empty', () => {
    const status = phase({ unreadable_folders: [], outside_links: [] });
    for (const field of ['outcomes', 'failures', 'unreadable_folders', 'outside_links', 'model_key'])
      expect(status).not.toHaveProperty(field);
  });
});

it('what a phase waits for has a null for what is not known', () => {
  expect(waitingStatusOf({ reason: 'worker', since: at(0) })).toStrictEqual({
    reason: 'worker',
    since: '2026-01-01T00:00:00.000Z',
    task_queue: null,
    until: null,
  });
  expect(
    waitingStatusOf({ reason: 'throttled', since: at(0), task_queue: 'gpu', samples_per_second: 20 }),
  ).toMatchObject({
    task_queue: 'gpu',
    samples_per_second: 20,
  });
});
