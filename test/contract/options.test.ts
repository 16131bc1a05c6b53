import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import {
  cancelInput,
  embedDatasetInput,
  loadDatasetInput,
  plainName,
  pruneDatasetInput,
  retryFailedInput,
} from '../../contract/inputs.ts';

const refuses = (schema: z.ZodType, input: unknown) => !schema.safeParse(input).success;
const load = (fields: object) => ({ dataset: 'photos', source: '/photos', ...fields });

describe('the name of a dataset', () => {
  it.each(['a', '0', 'a.b_c-d', 'a'.repeat(63)])('may be %s', (name) => {
    expect(plainName.parse(name)).toBe(name);
  });

  it.each(['', '-a', '.a', '_a', 'A', 'aB', 'a/b', 'a b', 'a:b', ' a', 'a\n', 'a'.repeat(64)])(
    'may not be %j',
    (name) => {
      expect(refuses(plainName, name)).toBe(true);
    },
  );

  it('is repeated in the refusal, but not all of a long one', () => {
    const words = (name: string) => plainName.safeParse(name).error?.issues[0]?.message;
    expect(words('A b')).toMatch(/, not be "A b"$/);
    expect(words('A'.repeat(101))).toMatch(/, not be "A{100}"$/);
  });
});

describe('the input of a load', () => {
  it('has defaults', () => {
    expect(loadDatasetInput.parse(load({}))).toEqual({
      dataset: 'photos',
      source: '/photos',
      embed: true,
      model: BUILT_IN_MODEL,
      max_failed_percent: 100,
      include: [],
      exclude: [],
      hidden: false,
      reread: false,
      switch: false,
      webhooks: [],
    });
  });

  const window = (fields: object) => ({ embed_window: { start: '22:00', end: '06:00', ...fields } });
  const hook = (fields: object) => ({ webhooks: [{ url: 'https://a.example/', ...fields }] });
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

  it.each<object>([
    { source: 'a'.repeat(4096), model: 'a'.repeat(4096) },
    { source: '/', model: 'a' },
    { max_failed_percent: 0 },
    { priority: 1, fairness_key: 'a', fairness_weight: 0.001 },
    { priority: 5, fairness_key: 'a'.repeat(64), fairness_weight: 1000 },
    { embed_task_queue: 'a' },
    { embed_task_queue: 'a'.repeat(1000) },
    { embed_at: '2199-12-31T23:59:59Z' },
    { embed_at: '2026-01-31T22:00:00+01:00' },
    window({ start: '00:00', end: '23:59', days, time_zone: 'a'.repeat(100) }),
    window({ time_zone: 'Z' }),
    window({ start: '19:30', end: '09:05', days: ['mon'] }),
    hook({ url: 'http://a.example/?a@b', secret: '0-a_b', events: ['dataset.ready'] }),
    hook({ url: 'https://a.example/b:c@d' }),
    hook({ url: 'https://a.example/@b#c@d', secret: 'a'.repeat(63) }),
    { webhooks: Array(10).fill({ url: 'https://a.example/' }) },
    { include: ['a'.repeat(1000), '/raw/'], exclude: Array(100).fill('a'), hidden: true, reread: true },
  ])('takes %j', (fields) => {
    expect(loadDatasetInput.safeParse(load(fields)).error?.issues).toBeUndefined();
  });

  it.each<object>([
    { source: '' },
    { source: 'a'.repeat(4097) },
    { model: '' },
    { model: 'a'.repeat(4097) },
    { max_failed_percent: -0.1 },
    { max_failed_percent: 100.1 },
    { priority: 0 },
    { priority: 6 },
    { fairness_key: '' },
    { fairness_key: 'a'.repeat(65) },
    { fairness_weight: 0.0009 },
    { fairness_weight: 1000.1 },
    { embed_task_queue: '' },
    { embed_task_queue: 'a'.repeat(1001) },
    { embed_at: '2200-01-01T00:00:00Z' },
    { embed_at: '2026-01-31T22:00:00' },
    { embed_at: '2026-01-31' },
    window({ start: '24:00' }),
    window({ start: '2:00' }),
    window({ start: '12:60' }),
    window({ start: '12:000' }),
    window({ start: '012:00' }),
    window({ end: '22:00' }),
    window({ days: [] }),
    window({ days: [...days, 'mon'] }),
    window({ days: ['Mon'] }),
    window({ time_zone: '' }),
    window({ time_zone: 'a'.repeat(101) }),
    window({ other: 1 }),
    hook({ url: 'ftp://a.example/' }),
    hook({ url: 'xhttp://a.example/' }),
    hook({ url: 'httpx://a.example/' }),
    hook({ url: 'https://user@a.example/' }),
    hook({ url: 'https://user:secret@a.example/' }),
    hook({ url: 'https:\\\\user@a.example/' }),
    hook({ url: `https://a.example/${'a'.repeat(2048 - 17)}` }),
    hook({ secret: '' }),
    hook({ secret: '-a' }),
    hook({ secret: 'aB' }),
    hook({ secret: 'a'.repeat(64) }),
    hook({ events: [] }),
    hook({ events: ['dataset.gone'] }),
    { webhooks: Array(11).fill({ url: 'https://a.example/' }) },
    { include: [''] },
    { include: ['/'] },
    { include: ['!*.jpg'] },
    { exclude: ['a\0b'] },
    { exclude: ['a'.repeat(1001)] },
    { exclude: Array(101).fill('a') },
    { exclude: 'a' },
    { other: 1 },
  ])('refuses %j', (fields) => {
    expect(refuses(loadDatasetInput, load(fields))).toBe(true);
  });

  it('takes days and events for what they are', () => {
    const events = ['dataset.browsable', 'dataset.ready', 'job.failed', 'job.canceled'];
    const parsed = loadDatasetInput.parse(load({ ...window({ days }), ...hook({ events }) }));
    expect(parsed.embed_window).toEqual({ start: '22:00', end: '06:00', days, time_zone: 'UTC' });
    expect(parsed.webhooks).toEqual([{ url: 'https://a.example/', secret: 'default', events }]);
  });

  it('says where a window is wrong that never opens', () => {
    const { error } = loadDatasetInput.safeParse(load(window({ end: '22:00' })));
    expect(error?.issues).toMatchObject([{ path: ['embed_window', 'end'] }]);
  });
});

it.each([
  ['retry', retryFailedInput],
  ['embed', embedDatasetInput],
])('the input of %s embeds with the built-in model unless told otherwise', (_, schema) => {
  expect(schema.parse({ dataset: 'photos' })).toMatchObject({ model: BUILT_IN_MODEL, webhooks: [] });
  expect(refuses(schema, { dataset: 'photos', source: '/photos' })).toBe(true);
});

it('the reason of a cancellation has up to 1,000 characters', () => {
  expect(cancelInput.parse({})).toEqual({});
  expect(refuses(cancelInput, { reason: 'a'.repeat(1000) })).toBe(false);
  expect(refuses(cancelInput, { reason: 'a'.repeat(1001) })).toBe(true);
  expect(refuses(pruneDatasetInput, { dataset: 'photos', reason: '' })).toBe(true);
});
