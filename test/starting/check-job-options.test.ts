import { describe, expect, it } from 'vitest';
import { checkJobOptions } from '../../cli/starting/check-job-options.ts';

const embedWindow = { start: '22:00', end: '06:00' };

const notesOf = async (options: Parameters<typeof checkJobOptions>[0]) => {
  const notes: string[] = [];
  checkJobOptions(options, { note: (line) => notes.push(line) });
  return notes;
};

describe('options that contradict each other', () => {
  it.each([
    ['--no-embed', '--embed-at', { embed: false, embedAt: '2036-01-01' }],
    ['--no-embed', '--switch', { embed: false, switch: true }],
    ['--no-embed', '--index', { embed: false, index: 'f32' }],
    ['--no-embed', '--embed-window', { embed: false, embedWindow }],
    ['--time-zone', 'no time', { timeZone: 'Europe/Zurich' }],
    ['--time-zone', '--every', { timeZone: 'Europe/Zurich', every: 3_600_000 }],
  ])('%s with %s is wrong usage', async (flag, _, options) => {
    await expect(notesOf(options)).rejects.toMatchObject({
      code: 'InvalidUsage',
      message: expect.stringContaining(flag),
    });
  });

  it.each([
    { timeZone: 'Europe/Zurich', embedWindow },
    { timeZone: 'Europe/Zurich', embedAt: '2036-01-01T22:00' },
    { timeZone: 'Europe/Zurich', cron: '0 3 * * *', embed: false },
    { timeZone: 'Europe/Zurich', every: 3_600_000, embedWindow },
    { embed: false, every: 3_600_000 },
  ])('none in %o', async (options) => {
    expect(await notesOf(options)).toEqual([]);
  });
});

describe('what can hardly be meant is noted', () => {
  it('a time that is past', async () => {
    expect(await notesOf({ embedAt: '2026-01-01T00:00:00Z' })).toEqual([
      'note: --embed-at 2026-01-01T00:00:00Z is in the past: embedding starts at once.',
    ]);
  });
});
