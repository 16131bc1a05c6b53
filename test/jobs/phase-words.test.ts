import { describe, expect, it } from 'vitest';
import {
  hasPhases,
  indexes,
  isPausable,
  JOB_KINDS,
  type JobKind,
  type JobStatus,
  type PhaseStatus,
  type WaitingStatus,
} from '../../contract/job.ts';
import { canceledInWords, jobInWords, phaseInWords, waitingInWords } from '../../core/jobs/words.ts';
import type { JobDocument, PhaseDocument } from '../../core/store/documents.ts';

const WAITING: WaitingStatus = { reason: 'worker', since: '', task_queue: null, until: null };
const RUNNING: PhaseStatus = {
  state: 'running',
  done: 1200,
  failed: 0,
  total: 3000,
  total_known: true,
  rate: null,
  seconds_left: null,
  still_since: null,
  waited_seconds: 0,
  waiting_for: null,
  started_at: '2026-01-01T00:00:00.000Z',
  finished_at: null,
};
const UNTIL = '2026-01-31T22:00:00.000Z';

describe('a phase in words', () => {
  it.each<[string, Partial<PhaseStatus>]>([
    ['running, 1,200 of 3,000', {}],
    ['running, 1,200 of 3,000, 1,100 reused', { reused: 1100 }],
    ['running, 1,200 of 3,000', { reused: 0 }],
    ['running, 1,200 of 3,000+', { total_known: false }],
    ['completed, 1,201 of 3,000, 1 failed, 12.3/s', { state: 'completed', failed: 1, rate: 12.345 }],
    ['running, 1,200 of 3,000, 1,235/s', { rate: 1234.96 }],
    ['pending', { state: 'pending' }],
    ['skipped', { state: 'skipped' }],
    ['waiting, 1,200 of 3,000', { state: 'waiting' }],
    [
      'waiting for a worker on gpu, 1,202 of 3,000, 2 failed',
      { state: 'waiting', failed: 2, waiting_for: { ...WAITING, task_queue: 'gpu' } },
    ],
    ['paused', { state: 'waiting', started_at: null, waiting_for: { ...WAITING, reason: 'paused' } }],
  ])('%s', (words, fields) => {
    expect(phaseInWords('embedding', { ...RUNNING, ...fields })).toBe(`embedding: ${words}`);
  });
});

describe('what a phase waits for, in words', () => {
  it.each<[string, Partial<WaitingStatus>]>([
    ['waiting for another job that embeds this dataset', { reason: 'other_job' }],
    ['waiting for a worker on its task queue', {}],
    ['waiting for its window to open', { reason: 'window' }],
    ['waiting for its window to open, until 2026-01-31 22:00 UTC', { reason: 'window', until: UNTIL }],
    ['waiting for its time, until 2026-01-31 22:00:05 UTC', { reason: 'time', until: '2026-01-31T22:00:05.600Z' }],
    ['paused', { reason: 'paused' }],
    ['held back by the limit of ? samples/s on its task queue', { reason: 'throttled' }],
    ['held back by the limit of 1 sample/s on gpu', { reason: 'throttled', samples_per_second: 1, task_queue: 'gpu' }],
    [
      'held back by the limit of 20 samples/s on gpu',
      { reason: 'throttled', samples_per_second: 20, task_queue: 'gpu' },
    ],
  ])('%s', (words, fields) => {
    expect(waitingInWords({ ...WAITING, ...fields })).toBe(words);
  });

  it.each([
    [60_000, 'until 2026-01-31 22:00 UTC'],
    [59_000, 'in 59s'],
    [58_001, 'in 59s'],
    [0, 'in 0s'],
    [-5000, 'in 0s'],
  ])('%d ms before its end: %s', (ms, words) => {
    const now = Date.parse(UNTIL) - ms;
    expect(waitingInWords({ ...WAITING, reason: 'time', until: UNTIL }, now)).toBe(`waiting for its time, ${words}`);
  });
});

describe('a job in words', () => {
  const job = (fields: Partial<JobStatus>) =>
    jobInWords({
      kind: 'load',
      phases: { indexing: RUNNING, embedding: RUNNING },
      retrying: null,
      ...fields,
    } as JobStatus);

  it('is its phases', () => {
    expect(job({})).toEqual(['indexing: running, 1,200 of 3,000', 'embedding: running, 1,200 of 3,000']);
  });

  it('is what it has removed', () => {
    const removed = { samples: 1200, vectors: 2400 };
    expect(job({ kind: 'prune', removed })).toEqual(['removed: 1,200 samples and 2,400 vectors']);
    expect(job({ kind: 'delete' })).toEqual(['removed: 0 samples and 0 vectors']);
    expect(job({ kind: 'forget', removed })).toEqual(['removed: 1,200 samples and 2,400 vectors']);
    expect(job({ kind: 'drop', removed })).toEqual(['removed: 2,400 vectors']);
  });

  it('is what it has moved', () => {
    expect(job({ kind: 'relocate', moved: { samples: 1200 } })).toEqual(['moved: 1,200 samples']);
    expect(job({ kind: 'relocate' })).toEqual(['moved: 0 samples']);
  });

  it('is how far its annotations are', () => {
    const annotations = {
      state: 'reading',
      field: 'ground_truth',
      paths: [{ path: '/a.json', format: 'coco' }],
    } as const;
    const shown = (more: object) =>
      job({ kind: 'annotate', annotations: { ...annotations, objects: 1200, ...more } as never });
    expect(job({ kind: 'annotate' })).toEqual(['annotations: starting']);
    expect(shown({})).toEqual(['annotations: 1,200 objects read']);
    expect(shown({ state: 'applying', matched: 10 })).toEqual([
      'annotations: ground_truth, 1,200 objects, 10 samples so far',
    ]);
    expect(shown({ state: 'completed', matched: 300 })).toEqual([
      'annotations: ground_truth, 1,200 objects, 300 samples',
    ]);
    expect(shown({ state: 'completed', paths: [], removed: 7 })).toEqual([
      'annotations: ground_truth removed from 7 samples',
    ]);
  });

  it('ends with what is retried', () => {
    const error = { code: 'MongoServerError', message: 'BSONObj size is invalid' };
    const retrying = { activity: 'indexPage', attempt: 4, since: '2026-01-01T12:03:10.250Z', error };
    expect(job({ retrying }).at(-1)).toBe(
      'indexPage is being retried (attempt 4, since 2026-01-01 12:03:10 UTC): MongoServerError: BSONObj size is invalid',
    );
    expect(job({ kind: 'prune', retrying })).toHaveLength(2);
  });
});

describe('a job that was canceled', () => {
  const BEGUN: PhaseDocument = {
    state: 'canceled',
    done: 3000,
    failed: 0,
    total: 9000,
    total_known: true,
    started_at: new Date(0),
  };
  const UNBEGUN: PhaseDocument = { state: 'skipped', done: 0, failed: 0, total: 0, total_known: false };
  const words = (kind: JobKind, indexing: PhaseDocument, embedding: PhaseDocument, more: Partial<JobDocument> = {}) =>
    canceledInWords({ kind, phases: { indexing, embedding }, ...more } as JobDocument);

  it('says how far each phase came', () => {
    expect(words('load', BEGUN, { ...BEGUN, done: 10, failed: 2, total: 1000 })).toBe(
      '3,000 of 9,000 files are indexed and can be browsed, 10 of 1,000 samples are embedded, 2 failed; load again to go on.',
    );
  });

  it('says what it knows where the listing was not over', () => {
    expect(words('load', { ...BEGUN, total_known: false }, UNBEGUN)).toBe(
      '3,000 of at least 9,000 files are indexed and can be browsed; load again to go on.',
    );
  });

  it('says nothing of indexing if it only embeds', () => {
    expect(words('embed', UNBEGUN, BEGUN)).toBe('3,000 of 9,000 samples are embedded; embed again to go on.');
    expect(words('embed', UNBEGUN, UNBEGUN)).toBe('Nothing was done yet; embed again to go on.');
  });

  it('says what is gone if it removes', () => {
    expect(words('prune', UNBEGUN, UNBEGUN, { removed: { samples: 3, vectors: 2 } })).toBe(
      '3 samples and 2 vectors are gone; start it again to remove the rest.',
    );
  });

  it('says what stays if it annotates', () => {
    expect(words('annotate', UNBEGUN, UNBEGUN)).toBe(
      'The samples that were annotated stay so; start it again to annotate the rest.',
    );
  });

  it('says how far it is if it exports, and that it can go on', () => {
    const counts = {
      images: 0,
      annotations: 9,
      renamed: 0,
      simplified: 0,
      skipped_samples: {},
      skipped_annotations: {},
    };
    expect(words('export', UNBEGUN, UNBEGUN, { exported: { samples: 256, total: 1000, ...counts } })).toBe(
      '256 of 1,000 samples were exported; what is written stays, and the same export to the folder goes on.',
    );
  });

  it('says what has moved if it relocates', () => {
    expect(words('relocate', UNBEGUN, UNBEGUN, { moved: { samples: 3 } })).toBe(
      '3 samples were moved; relocate again to move the rest.',
    );
  });
});

it('a job of each kind indexes, only embeds, or has no phases', () => {
  expect(JOB_KINDS.filter(indexes)).toEqual(['load', 'retry']);
  expect(JOB_KINDS.filter(hasPhases)).toEqual(['load', 'retry', 'embed', 'index']);
  const others = ['duplicates', 'annotate', 'export', 'import'];
  expect(JOB_KINDS.filter(isPausable)).toEqual(['load', 'retry', 'embed', 'index', ...others]);
});
