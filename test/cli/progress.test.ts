import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHighWater } from '../../cli/progress/high-water.ts';
import { createLiveView } from '../../cli/progress/live-view.ts';
import { phaseLine } from '../../cli/progress/phase-line.ts';
import { wordsOf } from '../../cli/progress/phase-words.ts';
import { createPlainView } from '../../cli/progress/plain-view.ts';
import type { JobStatus, WaitingStatus } from '../../contract/job.ts';
import { statusOf } from '../../core/jobs/status.ts';
import { waitingInWords } from '../../core/jobs/words.ts';
import type { JobDocument, PhaseDocument } from '../../core/store/documents.ts';
import { plain } from './plain-paint.ts';

const STARTED = new Date('2026-01-01T00:00:00Z');
const NOW = new Date('2026-01-01T00:00:10Z');

function running(phase: Partial<PhaseDocument>, load: Partial<JobDocument> = {}): JobStatus {
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

const line = (status: JobStatus, width = 100) =>
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

describe('a rate that is limited', () => {
  const limited = (samples_per_second: number): WaitingStatus => {
    const since = new Date().toISOString();
    return { reason: 'throttled', since, task_queue: 'gpu', until: null, samples_per_second };
  };

  it('is not told beside its limit, which it may exceed for a moment', () => {
    const status = running({ done: 50, total: 100, total_known: true });
    status.phases.indexing.waiting_for = limited(4);
    expect(wordsOf(status, 'indexing').rate).toBe('limited to 4/s');
  });

  it.each([
    [1, 'the limit of 1 sample/s on gpu'],
    [0.5, 'the limit of 0.5 samples/s on gpu'],
  ])('of %d an image', (rate, words) => {
    expect(waitingInWords(limited(rate))).toContain(words);
  });
});

describe('the end of a wait', () => {
  const UNTIL = '2026-01-01T12:00:00.000Z';
  const end = (until: string, secondsBefore?: number) => {
    const waiting: WaitingStatus = { reason: 'time', since: UNTIL, task_queue: null, until };
    return waitingInWords(waiting, secondsBefore && Date.parse(until) - secondsBefore * 1000);
  };

  it.each([
    ['in UTC', end(UNTIL), 'waiting for its time, until 2026-01-01 12:00 UTC'],
    ['with its seconds', end('2026-01-01T12:00:07.500Z'), 'waiting for its time, until 2026-01-01 12:00:07 UTC'],
    ['far off', end(UNTIL, 90), 'waiting for its time, until 2026-01-01 12:00 UTC'],
    ['near', end(UNTIL, 19.5), 'waiting for its time, in 20s'],
    ['gone by', end(UNTIL, -3), 'waiting for its time, in 0s'],
  ])('%s', (_, words, expected) => {
    expect(words).toBe(expected);
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

const lines: string[] = [];
const stream = new Writable({
  write(line, _, done) {
    lines.push(String(line));
    done();
  },
});
afterEach(() => {
  vi.useRealTimers();
  lines.length = 0;
});

describe('a retried activity', () => {
  const retried = (attempt: number, code = 'DiskError') =>
    running(
      {},
      { retrying: { a: { activity: 'listSource', attempt, since: NOW, error: { code, message: 'no disk' } } } },
    );
  const written = () => lines.filter((line) => line.includes('retried')).map((line) => /attempt \d+/.exec(line)?.[0]);

  it('is a line in a log at once, and then one now and then', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const view = createPlainView(stream);
    for (let attempt = 2; attempt <= 9; attempt += 1) {
      view.show(retried(attempt));
      vi.advanceTimersByTime(1000);
    }
    view.end();
    expect(written()).toEqual(['attempt 2', 'attempt 7']);
  });

  it('is a line in a log at once when it fails otherwise, or again', () => {
    const view = createPlainView(stream);
    for (const status of [retried(2), retried(3, 'Unexpected'), running({}), retried(4)]) view.show(status);
    view.end();
    expect(written()).toEqual(['attempt 2', 'attempt 3', 'attempt 4']);
  });

  it('is a line on a terminal, as wide as that, while it is retried', () => {
    const drawn: string[] = [];
    const terminal = Object.assign(
      new Writable({
        write(text, _, done) {
          drawn.push(String(text));
          done();
        },
      }),
      { columns: 40, rows: 24, isTTY: true },
    ) as unknown as NodeJS.WriteStream;
    const view = createLiveView(terminal);
    view.show(retried(2));
    expect(stripVTControlCharacters(drawn.join(''))).toMatch(/^ {2}listSource is being retried \(attempt $/m);
    drawn.length = 0;
    view.show(running({}));
    view.end();
    expect(drawn.join('')).not.toContain('retried');
  });
});

describe('a wait for a worker', () => {
  const waiting = (since: Date) => {
    const phases = waitingPhases();
    const task_queue = 'plimsoll-gpu';
    const waiting_for = { reason: 'worker' as const, task_queue, since };
    return running({}, { phases: { ...phases, embedding: { ...phases.embedding, waiting_for } } });
  };

  it('is no word in a log where the worker takes it up at once', () => {
    const view = createPlainView(stream);
    view.show(waiting(new Date()));
    view.end();
    expect(lines.join('')).not.toContain('waiting');
  });

  it('is told in a log when it has lasted, though nothing changes', () => {
    vi.useFakeTimers();
    const view = createPlainView(stream);
    view.show(waiting(new Date()));
    vi.advanceTimersByTime(3100);
    view.end();
    expect(lines.filter((line) => line === 'embedding: waiting for a worker on plimsoll-gpu\n')).toHaveLength(1);
  });

  it('is a start on a terminal while it is brief', () => {
    const options = { paint: plain, width: 100, ageMs: 0, clockMs: 0 };
    expect(phaseLine(waiting(new Date()), 'embedding', options)).toContain('starting');
    expect(phaseLine(waiting(new Date(Date.now() - 3100)), 'embedding', options)).toContain('waiting for a worker');
  });
});

function waitingPhases(): JobDocument['phases'] {
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
