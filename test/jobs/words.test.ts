import { describe, expect, it } from 'vitest';
import { jobLines, whatOf } from '../../cli/job-columns.ts';
import { statusOf } from '../../core/jobs/status.ts';
import type { JobDocument, PhaseDocument } from '../../core/store/documents.ts';
import { plain } from '../cli/plain-paint.ts';

const NOW = new Date('2026-01-01T01:00:00Z');
const AT = new Date('2026-01-01T00:00:00Z');
const SKIPPED: PhaseDocument = { state: 'skipped', done: 0, failed: 0, total: 0, total_known: true };
const OUTCOMES = {
  added: 0,
  changed: 0,
  unchanged: 0,
  missing: 0,
  failed: 0,
  ignored: 0,
  excluded: 0,
  unreadable_folders: 0,
  outside_links: 0,
};

const over = (counts: Partial<PhaseDocument>): PhaseDocument => ({
  ...SKIPPED,
  state: 'completed',
  started_at: AT,
  finished_at: NOW,
  ...counts,
});

const words = (fields: Partial<JobDocument>) => whatOf(jobOf(fields));

const jobOf = (fields: Partial<JobDocument>) =>
  statusOf(
    {
      _id: 'job',
      kind: 'load',
      dataset_id: 'photos',
      workflow_id: 'load-photos',
      request: {},
      state: 'completed',
      phases: { indexing: SKIPPED, embedding: SKIPPED },
      started_at: AT,
      finished_at: NOW,
      ...fields,
    },
    NOW,
  );

describe('what a job did, in words', () => {
  it.each<[string, string, Partial<JobDocument>]>([
    [
      'a first load',
      "200 files: 198 new, 2 can't be read; 197 embedded, 1 can't be",
      {
        phases: {
          indexing: over({ done: 198, failed: 2, total: 200, outcomes: { ...OUTCOMES, added: 198, failed: 2 } }),
          embedding: over({ done: 197, failed: 1, total: 198 }),
        },
      },
    ],
    [
      'a load of an unchanged folder',
      '200 files: none changed; nothing to embed',
      {
        phases: {
          indexing: over({ done: 200, total: 200, outcomes: { ...OUTCOMES, unchanged: 200 } }),
          embedding: over({}),
        },
      },
    ],
    [
      'a load of an unchanged folder with files that fail each time',
      "200 files: none changed, 2 can't be read; 8 still can't be embedded",
      {
        phases: {
          indexing: over({ done: 198, failed: 2, total: 200, outcomes: { ...OUTCOMES, unchanged: 198, failed: 2 } }),
          embedding: over({ failed: 8, total: 8 }),
        },
      },
    ],
    [
      'a load of nothing that can be read',
      "2 files: 2 can't be read",
      { phases: { indexing: over({ failed: 2, total: 2, outcomes: { ...OUTCOMES, failed: 2 } }), embedding: SKIPPED } },
    ],
    [
      'a load that only indexes',
      '1 file: 1 changed',
      {
        phases: {
          indexing: over({ done: 1, total: 1, outcomes: { ...OUTCOMES, changed: 1 } }),
          embedding: SKIPPED,
        },
      },
    ],
    [
      'an embedding that was canceled',
      '3 of 10 embedded',
      {
        kind: 'embed',
        state: 'canceled',
        phases: { indexing: SKIPPED, embedding: over({ state: 'canceled', done: 3, total: 10 }) },
      },
    ],
    ['a prune that had nothing to do', 'nothing was missing', { kind: 'prune', removed: { samples: 0, vectors: 0 } }],
    [
      'a retry that had nothing to do',
      'nothing had failed',
      { kind: 'retry', phases: { indexing: over({ outcomes: OUTCOMES }), embedding: SKIPPED } },
    ],
    [
      'a retry of an embedding',
      '7 embedded',
      { kind: 'retry', phases: { indexing: over({ outcomes: OUTCOMES }), embedding: over({ done: 7, total: 7 }) } },
    ],
    ['a relocate', 'moved 12 samples', { kind: 'relocate', moved: { samples: 12 } }],
    ['a drop', 'removed 7 vectors', { kind: 'drop', removed: { samples: 0, vectors: 7 } }],
    ['a forget', 'removed 1 sample, 0 vectors', { kind: 'forget', removed: { samples: 1, vectors: 0 } }],
    ['a prune', 'removed 12 samples, 1 vector', { kind: 'prune', removed: { samples: 12, vectors: 1 } }],
    [
      'a load that failed at once',
      'SourceNotFound',
      { state: 'failed', error: { code: 'SourceNotFound', message: '' } },
    ],
  ])('of %s: %s', (_, expected, fields) => {
    expect(words(fields)).toBe(expected);
  });
});

describe('the table of jobs', () => {
  const phases = {
    indexing: over({ done: 198, failed: 2, total: 200, outcomes: { ...OUTCOMES, added: 198, failed: 2 } }),
    embedding: over({ done: 197, failed: 1, total: 198 }),
  };
  const lines = (width: number) => jobLines([jobOf({ phases })], { idLength: 13, width, paint: plain });

  it('wraps what a job did in its own column', () => {
    const [head = '', ...rows] = lines(80);
    const what = head.indexOf('WHAT');
    expect(rows.length).toBeGreaterThan(1);
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(80);
    for (const row of rows.slice(1)) expect(row.slice(0, what).trim()).toBe('');
    expect(rows.map((row) => row.slice(what)).join(' ')).toBe(words({ phases }));
  });

  it('has a line for each job where there is room', () => {
    expect(lines(Number.POSITIVE_INFINITY)).toHaveLength(2);
  });
});
