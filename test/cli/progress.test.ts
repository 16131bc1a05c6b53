import { describe, expect, it } from 'vitest';
import { createHighWater } from '../../cli/progress/high-water.ts';
import { phaseLine } from '../../cli/progress/phase-line.ts';
import { type LoadStatus, statusOf } from '../../core/loads/status.ts';
import type { LoadDocument, PhaseDocument } from '../../core/store/documents.ts';
import { plain } from './plain-paint.ts';

const STARTED = new Date('2026-01-01T00:00:00Z');
const NOW = new Date('2026-01-01T00:00:10Z');

function running(phase: Partial<PhaseDocument>, load: Partial<LoadDocument> = {}): LoadStatus {
  const pending: PhaseDocument = { state: 'pending', done: 0, failed: 0, total: 0, total_known: false };
  return statusOf(
    {
      _id: 'job',
      kind: 'load',
      dataset_id: 'photos',
      workflow_id: 'load-photos',
      request: {},
      state: 'running',
      started_at: STARTED,
      phases: { indexing: { ...pending, state: 'running', started_at: STARTED, ...phase }, embedding: pending },
      ...load,
    },
    NOW,
  );
}

const line = (status: LoadStatus, width = 100) =>
  phaseLine(status, 'indexing', { paint: plain, width, ageMs: 0, clockMs: 0 });
const filled = (text: string) => (text.match(/━/g) ?? []).length;

describe('what is shown of a job', () => {
  it('never goes backwards', () => {
    const raise = createHighWater();
    raise(running({ done: 60, failed: 4, total: 100, total_known: true }));
    const { indexing } = raise(running({ done: 50, failed: 2, total: 90, total_known: true })).phases;
    expect(indexing).toMatchObject({ done: 60, failed: 4, total: 100 });
  });

  it('stays ended once it has ended', () => {
    const raise = createHighWater();
    raise(running({ state: 'completed', done: 10, total: 10, total_known: true, finished_at: NOW }));
    expect(raise(running({ done: 5, total: 10, total_known: true })).phases.indexing.state).toBe('completed');
  });
});

describe('the line of a phase', () => {
  it('has a bar as long as the share that is done', () => {
    const half = line(running({ done: 50, total: 100, total_known: true }));
    expect(half).toContain('50 / 100 files   5.0/s   10s left');
    expect(filled(half)).toBe(15);
  });

  it('is never over full', () => {
    const over = line(running({ done: 300, failed: 20, total: 100, total_known: true }));
    expect(filled(over)).toBe(30);
    expect(over).toContain('100 / 100 files');
  });

  it('shows no share of a total that still grows', () => {
    const status = running({ done: 2000, total: 2000 });
    expect(line(status)).toContain('2,000 / 2,000+ files');
    expect(filled(line(status))).toBe(6);
  });

  it.each([30, 50, 60, 80, 120])('fits into %d columns', (width) => {
    const status = running({ done: 1_234_567, failed: 1234, total: 9_999_999, total_known: true });
    expect(line(status, width).length).toBeLessThanOrEqual(width);
  });

  it('says what an embedding waits for', () => {
    const status = running({}, { phases: { ...waitingPhases() } });
    const text = phaseLine(status, 'embedding', { paint: plain, width: 100, ageMs: 0, clockMs: 0 });
    expect(text).toContain('waiting for a worker on plimsoll-gpu');
  });
});

describe('a paused phase', () => {
  const paused = (phase: Partial<PhaseDocument>) =>
    running({ done: 1200, failed: 34, total: 5000, ...phase }, { state: 'paused', paused_at: NOW });

  it('keeps its failed count, and what says that the listing goes on', () => {
    expect(line(paused({ total_known: false }))).toMatch(/paused.*, 1,234 \/ 5,000\+ files {3}34 failed$/);
  });

  it('has no time left that anybody could tell', () => {
    expect(paused({ total_known: true }).phases.indexing.seconds_left).toBeNull();
  });
});

function waitingPhases(): LoadDocument['phases'] {
  const none = { done: 0, failed: 0, total: 0, total_known: true };
  return {
    indexing: { ...none, state: 'completed', started_at: STARTED, finished_at: NOW },
    embedding: {
      ...none,
      state: 'waiting',
      waiting_for: { reason: 'worker', task_queue: 'plimsoll-gpu', since: NOW },
    },
  };
}
