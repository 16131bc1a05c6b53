import { describe, expect, it } from 'vitest';
import { summaryLines, wordsHint } from '../../cli/summary.ts';
import { statusOf } from '../../core/jobs/status.ts';
import { canceledInWords } from '../../core/jobs/words.ts';
import type { JobDocument, PhaseDocument, SampleDocument } from '../../core/store/documents.ts';
import { plain } from './plain-paint.ts';

const STARTED = new Date('2026-01-01T00:00:00Z');
const ENDED = new Date('2026-01-01T00:01:41Z');
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

const over = (fields: Partial<PhaseDocument>): PhaseDocument => ({
  ...SKIPPED,
  state: 'completed',
  started_at: STARTED,
  finished_at: ENDED,
  ...fields,
});

const job = (fields: Partial<JobDocument>): JobDocument => ({
  _id: 'job',
  kind: 'load',
  dataset_id: 'photos',
  workflow_id: 'load-photos',
  request: {},
  state: 'completed',
  phases: { indexing: SKIPPED, embedding: SKIPPED },
  started_at: STARTED,
  finished_at: ENDED,
  ...fields,
});

const summary = (fields: Partial<JobDocument>) =>
  summaryLines({ status: statusOf(job(fields), ENDED), failures: [], sources: [], link: undefined }, plain).join('\n');

const brokenOff = over({ state: 'canceled', done: 12_000, failed: 32, total: 69_376, outcomes: OUTCOMES });

describe('how long a phase took', () => {
  it('tells the time that it waited, which its rate does not count', () => {
    const embedding = over({ done: 2787, total: 2787, waited_ms: 92_580 });
    expect(summary({ phases: { indexing: SKIPPED, embedding } })).toContain(
      'Embedded 2,787 samples in 1m 41s (waited 1m 33s), 331/s',
    );
  });
});

it('tells no time where the clock was set back meanwhile', () => {
  const before = new Date(STARTED.getTime() - 60_000);
  const embedding = over({ done: 3000, total: 3000, finished_at: before });
  const text = summary({ phases: { indexing: SKIPPED, embedding }, finished_at: before });
  expect(text).toContain('Embedded 3,000 samples');
  expect(text).toContain('completed');
  expect(text).not.toMatch(/in 0\.0s|after/);
});

it('tells how many vectors were there for equal content', () => {
  const embedding = over({ done: 2787, total: 2787, reused: 2000 });
  const text = summary({ phases: { indexing: SKIPPED, embedding } });
  expect(text).toMatch(/Embedded 2,787 samples.*\n {4}2,000 {2}reused: equal content had a vector/);
  expect(summary({ phases: { indexing: SKIPPED, embedding: over({ done: 3, total: 3, reused: 0 }) } })).not.toContain(
    'reused',
  );
});

it('tells what is retried, in one line, whatever the message', () => {
  const error = { code: 'DiskError', message: 'no\ndisk' };
  const retrying = { a: { activity: 'listSource', attempt: 4, since: STARTED, error } };
  const running = { ...over({ total: 3 }), state: 'running' as const };
  delete running.finished_at;
  const fields = { state: 'running' as const, phases: { indexing: running, embedding: SKIPPED }, retrying };
  const { finished_at, ...open } = job(fields);
  expect(finished_at).toBeDefined();
  const lines = summaryLines({ status: statusOf(open, ENDED), failures: [], sources: [], link: undefined }, plain);
  expect(lines[1]).toBe('  listSource is being retried (attempt 4, since 2026-01-01 00:00 UTC): DiskError: no\\ndisk');
});

describe('the summary of a job that had nothing to do', () => {
  const nothing = { indexing: over({ outcomes: OUTCOMES }), embedding: SKIPPED };

  it('has no table of zeros', () => {
    expect(summary({ kind: 'retry', phases: nothing })).toBe(
      '✔ Retry of photos completed after 1m 41s\n\n  Nothing had failed\n\n  Samples   plimsoll samples photos',
    );
    expect(summary({ kind: 'prune', removed: { samples: 0, vectors: 0 } })).toContain('\n  nothing was missing');
  });

  it('still tells of a folder that was away', () => {
    const indexing = over({ outcomes: { ...OUTCOMES, unreadable_folders: 1 }, unreadable_folders: ['/mnt/away'] });
    expect(summary({ kind: 'retry', phases: { ...nothing, indexing } })).toContain('/mnt/away');
  });

  it('still tells of links that are not followed', () => {
    const indexing = over({ outcomes: { ...OUTCOMES, outside_links: 7 }, outside_links: ['/srv/photos/link.jpg'] });
    const lines = summary({ kind: 'retry', phases: { ...nothing, indexing } });
    expect(lines).toMatch(/7 {2}links out of the source roots: not followed\n +\/srv\/photos\/link\.jpg\n +and 6 more/);
  });
});

describe('the summary of a prune that a source held up', () => {
  const removed = { samples: 1, vectors: 2, kept: 3, unreadable_folders: ["/mnt/anna's disk"] };

  it('says what to do about it, in commands that can be copied', () => {
    expect(summary({ kind: 'prune', removed })).toContain(
      [
        "  removed 1 sample, 2 vectors; kept 3 samples, held up by /mnt/anna's disk",
        '',
        "  /mnt/anna's disk is not there, is empty, or is on another disk than at its last load:",
        '    mount it, or load it again if it is there',
        "    if it moved: plimsoll relocate photos --from '/mnt/anna'\\''s disk' --to FOLDER",
        "    if it is gone for good: plimsoll forget photos --source '/mnt/anna'\\''s disk'",
      ].join('\n'),
    );
  });

  it('says it once where the error says it already', () => {
    const error = { code: 'SourceNotFound', message: 'mount it' };
    expect(summary({ kind: 'prune', state: 'failed', error, removed }).match(/mount it/g)).toHaveLength(1);
  });
});

describe('what failed', () => {
  const sample = (n: number): SampleDocument =>
    ({
      filepath: `/data/photos/${'deep/'.repeat(9)}${n}.jpg`,
      error: { code: 'decode_failed', message: 'the file is damaged: VipsJpeg: premature end of JPEG image' },
    }) as SampleDocument;
  const request = { source: '/data/photos' };
  const indexing = over({ done: 95, failed: 5, total: 100, outcomes: { ...OUTCOMES, added: 95, failed: 5 } });
  const embedding = over({ done: 87, failed: 8, total: 95 });
  const lines = (fields: Partial<JobDocument>, width = 80) => {
    const status = statusOf(job({ request, phases: { indexing, embedding }, ...fields }), ENDED);
    return summaryLines(
      { status, failures: [sample(1), sample(2), sample(3)], sources: ['/data/photos'], link: undefined },
      plain,
      width,
    );
  };

  it('is counted by what could not be done, and nothing is said of what there was none of', () => {
    const counts = lines({}).filter((line) => /^ +\d+ {2}/.test(line));
    expect(counts).toEqual(['       95  added', "        5  can't be read", "        8  can't be embedded"]);
  });

  it('is named in three lines and a command, wrapped between words under their column', () => {
    const shown = lines({});
    const block = shown.slice(shown.indexOf('  What failed, and why'));
    for (const line of block) expect(line.length).toBeLessThanOrEqual(80);
    const column = block[1]?.indexOf('the file') ?? 0;
    const reason = block.slice(1, 4).map((line) => line.slice(column));
    expect(reason.join(' ')).toMatch(/^the file is damaged: VipsJpeg: premature end of/);
    expect(block[2]?.slice(0, column).trim()).toBe('');
    expect(block).toContain('    and 10 more: plimsoll samples photos --errors');
  });

  it('is named below its folder, in a retry as in a load', () => {
    const [load, retry] = [lines({}), lines({ kind: 'retry', request: {} } as never)];
    expect(load.find((line) => line.includes('1.jpg'))).not.toContain('/data');
    expect(retry.find((line) => line.includes('1.jpg'))).toBe(load.find((line) => line.includes('1.jpg')));
  });

  it('can be tried again unless it can only fail again', () => {
    const offer = 'plimsoll retry photos';
    const indexedWith = (failures: Record<string, number>) =>
      lines({ phases: { indexing: { ...indexing, failures }, embedding: over({ done: 95, total: 95 }) } }).join('\n');
    expect(indexedWith({ not_an_image: 4, io_error: 1 })).toContain(offer);
    expect(indexedWith({ not_an_image: 4, empty_file: 1 })).not.toContain(offer);
    expect(indexedWith({})).toContain(offer);
  });

  it('is not listed while the job runs', () => {
    const running = { ...embedding, state: 'running', finished_at: undefined } as unknown as PhaseDocument;
    const text = lines({ state: 'running', finished_at: undefined, phases: { indexing, embedding: running } } as never);
    expect(text.join('\n')).not.toContain('What failed');
    expect(text.join('\n')).toContain('8 failed');
  });
});

describe('an embedding that only tried again what can not be embedded', () => {
  it('went at no rate', () => {
    const text = summary({ phases: { indexing: SKIPPED, embedding: over({ failed: 8, total: 8 }) } });
    expect(text).toContain("  Embedded 0 samples in 1m 41s\n        8  can't be embedded");
  });

  it('is told in a word where there was nothing', () => {
    expect(summary({ phases: { indexing: SKIPPED, embedding: over({}) } })).toMatch(/^ {2}Nothing to embed$/m);
  });
});

describe('a link', () => {
  const link = `http://127.0.0.1:8233/namespaces/default/workflows/load-photos/${'x'.repeat(36)}`;
  const lines = (width: number) =>
    summaryLines({ status: statusOf(job({}), ENDED), failures: [], sources: [], link }, plain, width);

  it('stands beside its name where it fits', () => {
    expect(lines(200)).toContain(`  Workflow  ${link}`);
  });

  it('is whole, on a line of its own, where it does not', () => {
    expect(lines(80).slice(-2)).toEqual(['  Workflow', link]);
  });
});

describe('the summary of a job that was canceled', () => {
  it('says how far it came', () => {
    const text = summary({
      state: 'canceled',
      phases: { indexing: brokenOff, embedding: over({ state: 'canceled', done: 5, total: 9 }) },
    });
    expect(text).toContain('Indexed 12,032 of 69,376 files so far in 1m 41s');
    expect(text).toContain('Embedded 5 of 9 samples so far');
  });

  it('knows no more than what was listed', () => {
    const phases = { indexing: { ...brokenOff, total_known: false }, embedding: SKIPPED };
    expect(summary({ state: 'canceled', phases })).toContain('Indexed 12,032 of at least 69,376 files so far');
  });

  it('says once that it was canceled', () => {
    const error = { code: 'Canceled', message: 'Canceled: the wrong folder.' };
    expect(summary({ state: 'canceled', error })).toMatch(/^ {2}Canceled: the wrong folder\.$/m);
  });
});

describe('what the record of a canceled load says', () => {
  const indexing = over({ state: 'canceled', done: 3880, failed: 120, total: 9000 });

  it('tells the files that failed from those that are indexed', () => {
    expect(canceledInWords(job({ phases: { indexing, embedding: SKIPPED } }))).toBe(
      '3,880 of 9,000 files are indexed and can be browsed, 120 failed; load again to go on.',
    );
  });

  it('claims no total where the listing was not at its end', () => {
    const phases = { indexing: { ...indexing, total_known: false }, embedding: SKIPPED };
    expect(canceledInWords(job({ phases }))).toContain('3,880 of at least 9,000 files');
  });
});

describe('how to get search by words', () => {
  const hint = (fields: Partial<JobDocument>, model_key: string) =>
    wordsHint(statusOf(job({ phases: { indexing: SKIPPED, embedding: over({ model_key }) }, ...fields }), ENDED));

  it('is told where the built-in model was used', () => {
    expect(hint({}, 'color-gradient-grid@0123456789ab')).toBe(
      'Search by words: plimsoll models fetch clip-vit-b32, then load with --model clip-vit-b32',
    );
  });

  it('by meaning is told where documents have the built-in model', () => {
    expect(hint({}, 'hashed-words@0123456789ab')).toBe(
      'Search by meaning: plimsoll models fetch minilm-l6-v2, then load with --model minilm-l6-v2',
    );
    expect(hint({ state: 'canceled' }, 'hashed-words@0123456789ab')).toBeUndefined();
  });

  it('is not told where another one was, or where the load did not complete', () => {
    expect(hint({}, 'clip-vit-b32@0123456789ab')).toBeUndefined();
    expect(hint({ state: 'failed' }, 'color-gradient-grid@0123456789ab')).toBeUndefined();
    expect(wordsHint(statusOf(job({}), ENDED))).toBeUndefined();
  });
});

it('says what an export has written, and what it has left out', () => {
  const exported = {
    ...{ samples: 1197, total: 1200, images: 1197, annotations: 5000, renamed: 2, simplified: 0 },
    ...{ skipped_samples: { unknown_size: 3 }, skipped_annotations: { other_kind: 4 } },
  };
  const request = { format: 'coco', images: 'link', target: '/out' };
  expect(summary({ kind: 'export', request, exported }).split('\n')).toEqual([
    '✔ Export of photos completed after 1m 41s',
    '  exported 1,197 of 1,200 samples',
    '',
    '  Exported 5,000 annotations as coco to /out',
    '    1,197  images were linked to',
    '        2  samples have another name, as another one has theirs',
    "        3  samples left out: the picture's size is unknown",
    '        4  annotations left out: not of the kind that the format or the task holds',
    '',
    '  Samples   plimsoll samples photos',
  ]);
});
