import { describe, expect, it } from 'vitest';
import { timeZone, webhookUrl } from '../../cli/arguments.ts';
import { loadRequestOf } from '../../cli/starting/job-request.ts';
import { clockWindow } from '../../cli/starting/window-argument.ts';
import { loadDatasetInput } from '../../contract/inputs.ts';

const load = { dataset: 'photos', source: '/photos', embed: true };

describe('--embed-window', () => {
  it.each([
    ['22:00-06:00', { start: '22:00', end: '06:00' }],
    ['8:00 - 9:30', { start: '08:00', end: '09:30' }],
    ['18:00-24:00', { start: '18:00', end: '00:00' }],
    ['mon-fri 22:00-06:00', { start: '22:00', end: '06:00', days: ['mon', 'tue', 'wed', 'thu', 'fri'] }],
    ['sat,sun 00:00-08:00', { start: '00:00', end: '08:00', days: ['sat', 'sun'] }],
    ['Fri-Mon 10:00-11:00', { start: '10:00', end: '11:00', days: ['mon', 'fri', 'sat', 'sun'] }],
    ['monday, wed 10:00-11:00', { start: '10:00', end: '11:00', days: ['mon', 'wed'] }],
  ])('%s', (text, window) => {
    expect(clockWindow(text)).toEqual(window);
  });

  it.each([
    ['22:00-22:00', 'no length'],
    ['00:00-24:00', 'no length'],
    ['25:00-06:00', '"25:00" is not a time of day'],
    ['22-06', '"22" is not a time of day'],
    ['22:00-06:00 mon-fri', 'time window'],
    ['nights', 'time window'],
    ['weekdays 22:00-06:00', '"weekdays" is not a day'],
  ])('%s is refused with what to write instead', (text, reason) => {
    expect(() => clockWindow(text)).toThrow(reason);
    expect(() => clockWindow(text)).toThrow('22:00-06:00, "mon-fri 22:00-06:00"');
  });

  it('is on the clocks of --time-zone, and else on those of this machine', () => {
    const embedWindow = clockWindow('22:00-06:00');
    const zoneOf = (options: object) => loadRequestOf({ ...load, embedWindow, ...options }).embed_window?.time_zone;

    expect(zoneOf({ timeZone: 'Asia/Tokyo' })).toBe('Asia/Tokyo');
    expect(zoneOf({})).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
  });
});

describe('--embed-at', () => {
  it.each([
    ['2026-07-31T22:00', '2026-07-31T20:00:00Z'],
    ['2026-01-31 22:00', '2026-01-31T21:00:00Z'],
    ['2026-01-31', '2026-01-30T23:00:00Z'],
    ['2026-01-31T22:00:00Z', '2026-01-31T22:00:00Z'],
    ['2026-01-31T22:00-05:00', '2026-02-01T03:00:00Z'],
  ])('%s in Zurich is %s', (embedAt, instant) => {
    expect(loadRequestOf({ ...load, embedAt, timeZone: 'Europe/Zurich' }).embed_at).toBe(instant);
  });

  it.each(['tomorrow', '2026-02-30T10:00', '22:00'])('%s is refused', (embedAt) => {
    expect(() => loadRequestOf({ ...load, embedAt })).toThrow(`--embed-at: "${embedAt}" is not a time`);
  });
});

describe('--index', () => {
  it('is a field of the request, left out if it was not given', () => {
    expect(loadRequestOf({ ...load, index: 'bf16' }).index).toBe('bf16');
    expect(loadRequestOf(load)).not.toHaveProperty('index');
  });
});

describe('--time-zone', () => {
  it('says which zone a city is in', () => {
    expect(() => timeZone('new york')).toThrow('America/New_York');
  });
});

describe('--webhook', () => {
  it('collects addresses, and one secret signs all of them', () => {
    const webhook = webhookUrl('https://b.example/', webhookUrl('https://a.example/'));

    const { webhooks } = loadRequestOf({ ...load, webhook, webhookSecret: 'team' });

    expect(webhooks).toEqual([
      { url: 'https://a.example/', secret: 'team' },
      { url: 'https://b.example/', secret: 'team' },
    ]);
  });

  it('is missing where there is only a secret', () => {
    expect(() => loadRequestOf({ ...load, webhookSecret: 'team' })).toThrow('--webhook');
  });
});

it('what the command line leaves out is left to the contract', () => {
  expect(loadRequestOf(load)).toEqual(load);
  expect(loadDatasetInput.parse(loadRequestOf(load))).toEqual(loadDatasetInput.parse(load));
});

describe('chunks of plimsoll.toml', () => {
  const defaults = { chunks: { size: 200, overlap: 20 } };
  const chunksOf = (options: object) => loadRequestOf({ ...load, defaults, ...options }).chunks;

  it('hold where the command line says nothing else', () => {
    expect(chunksOf({})).toEqual({ size: 200, overlap: 20 });
    expect(chunksOf({ chunkSize: 100, media: 'text' })).toEqual({ size: 100, overlap: 20 });
    expect(chunksOf({ chunkUnit: 'tokens' })).toEqual({ size: 200, overlap: 20, unit: 'tokens' });
  });

  it('do not hold in another unit, and not for pictures', () => {
    expect(chunksOf({ chunkUnit: 'characters' })).toEqual({ unit: 'characters' });
    expect(chunksOf({ media: 'image' })).toBeUndefined();
    expect(chunksOf({ defaults: { ...defaults, media: 'image' } })).toBeUndefined();
  });
});

it('a pattern that is a whole path counts from the folder of the load', () => {
  const rules = { include: ['*.jpg'], exclude: [`${load.source}/raw`, '/elsewhere/raw'], hidden: true };
  expect(loadRequestOf({ ...load, ...rules })).toEqual({
    ...load,
    include: ['*.jpg'],
    exclude: ['/raw', '/elsewhere/raw'],
    hidden: true,
  });
});
