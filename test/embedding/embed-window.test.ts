import { describe, expect, it } from 'vitest';
import type { EmbedWindow } from '../../contract/options.ts';
import { windowAt } from '../../core/embedding/embed-window.ts';

const night: EmbedWindow = { start: '22:00', end: '06:00', time_zone: 'Europe/Zurich' };

const at = (window: EmbedWindow, time: string) => {
  const { open, changesAt } = windowAt(window, new Date(time));
  return `${open ? 'open' : 'closed'} until ${changesAt.toISOString()}`;
};

describe('a window over midnight', () => {
  it.each([
    ['in the afternoon', '2026-01-14T15:00:00Z', 'closed until 2026-01-14T21:00:00.000Z'],
    ['as it opens', '2026-01-14T21:00:00Z', 'open until 2026-01-15T05:00:00.000Z'],
    ['in the evening', '2026-01-14T22:30:00Z', 'open until 2026-01-15T05:00:00.000Z'],
    ['in the morning', '2026-01-15T04:59:59.999Z', 'open until 2026-01-15T05:00:00.000Z'],
    ['as it closes', '2026-01-15T05:00:00Z', 'closed until 2026-01-15T21:00:00.000Z'],
  ])('%s', (_, time, state) => {
    expect(at(night, time)).toBe(state);
  });
});

describe('a window within a day', () => {
  const noon: EmbedWindow = { start: '12:00', end: '13:30', time_zone: 'Asia/Kathmandu' };
  it.each([
    ['before', '2026-06-01T06:14:00Z', 'closed until 2026-06-01T06:15:00.000Z'],
    ['in it', '2026-06-01T06:15:00Z', 'open until 2026-06-01T07:45:00.000Z'],
    ['behind it', '2026-06-01T07:45:00Z', 'closed until 2026-06-02T06:15:00.000Z'],
  ])('%s', (_, time, state) => {
    expect(at(noon, time)).toBe(state);
  });
});

describe('days', () => {
  const weekend: EmbedWindow = { start: '20:00', end: '08:00', days: ['fri', 'sat'], time_zone: 'UTC' };
  it.each([
    ['waits for the first of them', '2026-01-13T12:00:00Z', 'closed until 2026-01-16T20:00:00.000Z'],
    ['belong to the evening on which it opens', '2026-01-18T07:00:00Z', 'open until 2026-01-18T08:00:00.000Z'],
    ['are over for the week', '2026-01-18T21:00:00Z', 'closed until 2026-01-23T20:00:00.000Z'],
  ])('%s', (_, time, state) => {
    expect(at(weekend, time)).toBe(state);
  });

  it.each([
    ['mon', '2026-01-12'],
    ['tue', '2026-01-13'],
    ['wed', '2026-01-14'],
    ['thu', '2026-01-15'],
    ['fri', '2026-01-16'],
    ['sat', '2026-01-17'],
    ['sun', '2026-01-18'],
  ] as const)('may be %s', (day, date) => {
    const window: EmbedWindow = { start: '10:00', end: '11:00', days: [day], time_zone: 'UTC' };
    expect(at(window, '2026-01-11T12:00:00Z')).toBe(`closed until ${date}T10:00:00.000Z`);
  });

  it('may be one a week, seen just after it closed', () => {
    const sunday: EmbedWindow = { start: '01:00', end: '02:00', days: ['sun'], time_zone: 'America/New_York' };
    expect(at(sunday, '2026-01-18T07:00:00Z')).toBe('closed until 2026-01-25T06:00:00.000Z');
  });
});

describe('a night in which the clocks change', () => {
  it('is an hour shorter in spring', () => {
    expect(at(night, '2026-03-28T21:00:00Z')).toBe('open until 2026-03-29T04:00:00.000Z');
  });

  it('is an hour longer in autumn', () => {
    expect(at(night, '2026-10-24T20:00:00Z')).toBe('open until 2026-10-25T05:00:00.000Z');
  });

  it('opens an hour later by UTC when summer is over', () => {
    expect(at(night, '2026-10-25T12:00:00Z')).toBe('closed until 2026-10-25T21:00:00.000Z');
  });

  it('opens a window later that begins in the hour that is skipped', () => {
    const early: EmbedWindow = { start: '02:30', end: '05:00', time_zone: 'Europe/Zurich' };
    expect(at(early, '2026-03-29T00:59:00Z')).toBe('closed until 2026-03-29T01:30:00.000Z');
    expect(at(early, '2026-03-29T01:30:00Z')).toBe('open until 2026-03-29T03:00:00.000Z');
  });

  it('opens a window once that begins in the hour that comes twice, at the first of the two', () => {
    const early: EmbedWindow = { start: '02:30', end: '05:00', time_zone: 'Europe/Zurich' };
    expect(at(early, '2026-10-25T00:29:00Z')).toBe('closed until 2026-10-25T00:30:00.000Z');
    expect(at(early, '2026-10-25T01:30:00Z')).toBe('open until 2026-10-25T04:00:00.000Z');
  });

  it('passes over a window that lies in the skipped hour and would end as it begins', () => {
    const lost: EmbedWindow = { start: '02:00', end: '03:00', time_zone: 'Europe/Zurich' };
    expect(at(lost, '2026-03-29T00:30:00Z')).toBe('closed until 2026-03-30T00:00:00.000Z');
  });

  it('passes over it for a week where it opens once a week', () => {
    const lost: EmbedWindow = { start: '02:00', end: '03:00', days: ['sun'], time_zone: 'Europe/Zurich' };
    expect(at(lost, '2026-03-29T00:30:00Z')).toBe('closed until 2026-04-05T00:00:00.000Z');
    expect(at(lost, '2026-03-22T02:00:00Z')).toBe('closed until 2026-04-05T00:00:00.000Z');
  });

  describe('stays open where the next window opens before it closes, or as it closes', () => {
    const zurich = { start: '03:00', end: '02:59', time_zone: 'Europe/Zurich' };

    it.each<[string, EmbedWindow, string]>([
      ['before', zurich, '2026-03-30T00:59:00.000Z'],
      ['as', { ...zurich, end: '02:00' }, '2026-03-30T00:00:00.000Z'],
      ['before, within a day', { start: '00:00', end: '23:30', time_zone: 'America/Nuuk' }, '2026-03-30T00:30:00.000Z'],
    ])('%s', (_, window, closes) => {
      expect(at(window, '2026-03-28T12:00:00Z')).toBe(`open until ${closes}`);
    });

    it('but not on a day on which none opens', () => {
      expect(at({ ...zurich, days: ['sat'] }, '2026-03-28T12:00:00Z')).toBe('open until 2026-03-29T01:59:00.000Z');
    });
  });

  it('skips a day that a country has skipped', () => {
    // Samoa had no 30 December 2011.
    const apia: EmbedWindow = { start: '22:00', end: '06:00', time_zone: 'Pacific/Apia' };
    expect(at(apia, '2011-12-30T08:30:00Z')).toBe('open until 2011-12-30T16:00:00.000Z');
  });
});

it('walks through a whole year in Zurich without a gap or an overlap', () => {
  let time = new Date('2026-01-01T12:00:00Z');
  let opened = 0;
  while (time < new Date('2027-01-01T12:00:00Z')) {
    const { open, changesAt } = windowAt(night, time);
    expect(changesAt.getTime()).toBeGreaterThan(time.getTime());
    expect(windowAt(night, new Date(changesAt.getTime() - 1)).open).toBe(open);
    expect(windowAt(night, changesAt).open).toBe(!open);
    if (open) opened += 1;
    time = changesAt;
  }
  expect(opened).toBe(365);
});

it('refuses a time zone that does not exist', () => {
  expect(() => windowAt({ ...night, time_zone: 'Europe/Zürich' }, new Date())).toThrow(
    expect.objectContaining({ code: 'UnknownTimeZone', message: expect.stringContaining('Europe/Zürich') }),
  );
});
