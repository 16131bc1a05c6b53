import { describe, expect, test } from 'vitest';
import type { Dataset, Job, Phase } from '../../web/src/api/shapes.ts';
import { codeWords, failureWords } from '../../web/src/failures.ts';
import { layoutGrid } from '../../web/src/grid/layout.ts';
import { placeAfter } from '../../web/src/grid/moves.ts';
import {
  endWords,
  exportedWords,
  lostShareOf,
  paceWords,
  progressWords,
  tookWords,
  waitWords,
} from '../../web/src/job-words.ts';
import { noPictureWords } from '../../web/src/picture-words.ts';
import { placesSoFar, samplesSoFar } from '../../web/src/sample-count.ts';
import { bringsBackWords, pausedWords } from '../../web/src/schedule-words.ts';
import { askedOf } from '../../web/src/views/job/asked.ts';

const PHASE: Phase = {
  state: 'running',
  done: 0,
  failed: 0,
  total: 0,
  total_known: false,
  rate: null,
  seconds_left: null,
  still_since: null,
  waited_seconds: 0,
  waiting_for: null,
  started_at: null,
  finished_at: null,
};
const jobOf = (change: Partial<Job>, indexing: Partial<Phase> = {}, embedding: Partial<Phase> = {}) =>
  ({
    kind: 'load',
    state: 'running',
    finished_at: null,
    request: {},
    phases: { indexing: { ...PHASE, ...indexing }, embedding: { ...PHASE, state: 'pending', ...embedding } },
    ...change,
  }) as Job;

describe('an embedding that was skipped', () => {
  const skipped = { state: 'skipped' } as const;
  test.each([
    ['did not begin, where its load failed before', { state: 'failed' }, 'Did not begin'],
    [
      'was not asked for, where the load is to index only',
      { state: 'failed', request: { embed: false } },
      'Not asked for',
    ],
    ['was not asked for, where its load completed', { state: 'completed' }, 'Not asked for'],
  ] as const)('%s', (_, change, words) => {
    expect(progressWords(jobOf(change, {}, skipped), 'embedding')).toBe(words);
  });
});

test('a wait for a worker is spoken of when it is longer than an idle one would need', () => {
  const since = '2026-01-01T00:00:00.000Z';
  const waiting = (started_at: string | null): Phase => ({
    ...PHASE,
    state: 'waiting',
    started_at,
    waiting_for: { reason: 'worker', since, task_queue: 'gpu', until: null },
  });
  const at = Date.parse(since);
  expect(waitWords(waiting(null), at + 2900)).toBe('');
  expect(waitWords(waiting(null), at + 3100)).toBe('Waiting for a worker on gpu');
  expect(waitWords(waiting(since), at + 100)).toBe('Waiting for a worker on gpu');
});

describe('a dataset that is being indexed', () => {
  const dataset = (next_seq: number, total: number) =>
    ({ next_seq, counts: { total }, phases: {}, models: [] }) as unknown as Dataset;

  const started_at = '2026-01-01T00:00:00Z';
  const indexing = (phase: Partial<Phase> = {}) => jobOf({}, { started_at, ...phase });
  const canceled = jobOf({ finished_at: started_at }, { started_at, done: 90 });

  test('has as many samples as are indexed, however many numbers are given out', () => {
    expect(samplesSoFar(dataset(256, 0), indexing())).toBe(0);
    expect(samplesSoFar(dataset(256, 0), indexing({ done: 90, failed: 10 }))).toBe(100);
    expect(samplesSoFar(dataset(256, 200), indexing({ done: 90 }))).toBe(256);
    expect(samplesSoFar(dataset(256, 200), indexing({ done: 90 }), 50)).toBe(206);
    expect(samplesSoFar(dataset(256, 200), indexing({ done: 90, finished_at: started_at }))).toBe(200);
    expect(samplesSoFar(dataset(256, 200), canceled)).toBe(200);
    expect(samplesSoFar({ ...dataset(256, 0), media_type: 'text' }, indexing({ done: 9 }))).toBe(256);
  });

  test('has a place for each of them, and for each number that has none', () => {
    expect(placesSoFar(dataset(256, 0), indexing({ done: 90, failed: 10 }), 0)).toBe(100);
    expect(placesSoFar(dataset(300, 200), indexing({ done: 30 }), 50)).toBe(280);
    expect(placesSoFar(dataset(256, 200), canceled, 56)).toBe(256);
    expect(placesSoFar(dataset(256, 200), jobOf({ kind: 'prune' }), 0)).toBe(256);
  });
});

describe('failures', () => {
  const ended = {
    state: 'completed',
    finished_at: '2026-01-01T00:00:01Z',
    started_at: '2026-01-01T00:00:00Z',
  } as const;
  const again = jobOf(
    { state: 'completed', finished_at: ended.finished_at, dataset: 'a' },
    { ...ended, done: 3030, total: 3030 },
    { ...ended, failed: 8, total: 8, rate: 26.5 },
  );

  test('in indexing and in embedding are told apart', () => {
    expect(failureWords({ indexing: 1234, embedding: 8 }).map(({ words }) => words)).toEqual([
      '1,234 failed to index',
      '8 failed to embed',
    ]);
    expect(failureWords({ indexing: 0, embedding: 8 })).toEqual([{ phase: 'embedding', words: '8 failed to embed' }]);
    expect(endWords(again)).toBe('Load of a completed, 8 failed to embed.');
  });

  test('of a few that were tried again are a few of all, not the whole bar', () => {
    expect(lostShareOf(again, 'embedding')).toBe(8 / 3030);
    const retry = jobOf({ kind: 'retry' }, { total: 5 }, { failed: 8, total: 8 });
    expect(lostShareOf(retry, 'embedding', 3030)).toBe(8 / 3030);
    expect(lostShareOf(retry, 'embedding')).toBe(1);
    expect(lostShareOf(jobOf({}), 'indexing')).toBe(0);
  });

  test('alone have no pace', () => {
    expect(progressWords(again, 'embedding')).toBe('none of 8 samples');
    expect(paceWords(again, again.phases.embedding)).toEqual(['in 1.0 s']);
    expect(progressWords(jobOf({ state: 'completed' }, {}, ended), 'embedding')).toBe('Nothing to embed');
  });

  test('have words, also those that nobody has written any for', () => {
    expect(codeWords('not_an_image')).toBe('Not an image');
    expect(codeWords('made_up')).toBe('Made up');
  });
});

test('why there is no picture is told, and what to do to who may do it', () => {
  const outside = { code: 'FileOutsideRoots', message: 'The file is not below a source root.' };
  expect(noPictureWords(outside, false)).toEqual([
    'Outside the source roots',
    'The file lies outside the source roots of this server.',
  ]);
  expect(noPictureWords(outside, true)[1]).toContain('PLIMSOLL_SOURCE_ROOTS');
  expect(noPictureWords({ message: 'Out of order.' }, true)).toEqual(['No picture', 'Out of order.']);
});

test.each([
  [[], ''],
  [['a'], 'The schedule a loads it, and is paused.'],
  [['a', 'b', 'c'], 'The schedules a, b, and c load it, and are paused.'],
  [[...'abcdefg'], 'The schedules a, b, c, d, e, and 2 more load it, and are paused.'],
])('a deletion that pauses %j names them', (schedules, words) => expect(pausedWords(schedules)).toBe(words));

test('a forget names the schedules that bring the folder back', () => {
  expect(bringsBackWords([])).toBe('');
  expect(bringsBackWords(['nightly'])).toBe('The schedule nightly loads it, and will bring it back.');
  expect(bringsBackWords(['a', 'b'])).toBe('The schedules a and b load it, and will bring it back.');
});

test('a job takes from its beginning to its end, or till now', () => {
  const job = jobOf({ started_at: '2026-01-01T00:00:00Z' });
  expect(tookWords(job, Date.parse('2026-01-01T00:03:20Z'))).toBe('3 min 20 s');
  expect(tookWords({ ...job, finished_at: '2026-01-01T00:00:04Z' }, 0)).toBe('4.0 s');
  expect(tookWords({ ...job, started_at: null }, 0)).toBe('');
  // The clock was set back meanwhile.
  expect(tookWords({ ...job, finished_at: '2025-12-31T23:59:00Z' }, 0)).toBe('');
  const back = jobOf(
    { state: 'completed' },
    { state: 'completed', done: 9, total: 9, started_at: '2026-01-01T00:00:00Z', finished_at: '2025-12-31T23:59:00Z' },
  );
  expect(paceWords(back, back.phases.indexing)).toEqual([]);
});

test('what a job was asked for is told in words, and what says nothing is left out', () => {
  const request = {
    source: '/data/a',
    model: 'clip',
    max_failed_percent: 100,
    webhooks: [],
    embed_window: { start: '22:00', end: '06:00', days: ['sat', 'sun'], time_zone: 'UTC' },
  };
  expect(askedOf({ request })).toEqual([
    ['Source', '/data/a'],
    ['Model', 'clip'],
    ['Embed within', '22:00–06:00 UTC, sat sun'],
  ]);
  const webhooks = [{ url: 'https://a.example' }, { url: 'https://b.example' }];
  expect(askedOf({ request: { model: 'clip', embed: false, max_failed_percent: 5, webhooks } })).toEqual([
    ['Model', 'none, index only'],
    ['Stops above', '5 % failed'],
    ['Webhooks', 'https://a.example, https://b.example'],
  ]);
  expect(askedOf({ request: { dataset: 'photos', from: '/data/a', to: '/data/b' } })).toEqual([
    ['Moved from', '/data/a'],
    ['Moved to', '/data/b'],
  ]);
});

describe('in a grid of eight columns and a hundred places', () => {
  const layout = layoutGrid(1232, 'medium');
  test.each([
    ['ArrowRight', 5, 6],
    ['ArrowLeft', 0, 0],
    ['ArrowDown', 5, 13],
    ['ArrowUp', 5, 0],
    ['ArrowDown', 97, 99],
    ['PageDown', 0, 24],
    ['Home', 50, 0],
    ['End', 50, 99],
    ['x', 50, undefined],
  ] as const)('%s leads from %d to %s', (key, from, to) => {
    expect(placeAfter(key, from, layout, 3 * layout.rowPx + 10, 100)).toBe(to);
  });
});

test('an export says how far it is, and what it has left out', () => {
  const counts = { images: 0, annotations: 0, renamed: 0, simplified: 0, skipped_samples: {}, skipped_annotations: {} };
  const words = (state: string, exported?: object) => exportedWords({ state, exported } as Job);
  expect(words('running')).toBe('Starting');
  expect(words('running', { ...counts, samples: 256, total: 1000, annotations: 300 })).toBe(
    '256 of 1,000 samples exported, 300 annotations',
  );
  const skipped = { unknown_size: 2, no_vector: 1 };
  expect(words('completed', { ...counts, samples: 997, total: 1000, images: 997, skipped_samples: skipped })).toBe(
    '997 samples exported, 997 images, 3 samples left out',
  );
});
