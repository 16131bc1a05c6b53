import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTokens } from '../../api/auth/tokens.ts';
import { createToken } from '../../core/api-tokens.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

const reader = createToken('read');
const operator = createToken('operate');
const as = (token: string) => ({ authorization: `Bearer ${token}` });
let bench: Workbench;
let api: TestApi;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  api = await openTestApi(bench.store, {
    tokens: await readTokens({ PLIMSOLL_API_TOKENS: `${reader.line} ${operator.line}` }),
  });
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

test('a limit is set, listed and lifted', async () => {
  const set = await api.post('/api/limits', { task_queue: 'gpu', samples_per_second: 0.5 }, as(operator.token));
  expect(set.json).toMatchObject({ task_queue: 'gpu', samples_per_second: 0.5 });
  expect(await bench.limits.get('gpu')).toEqual(set.json);
  expect((await api.get('/api/limits', as(reader.token))).json).toEqual({ limits: [set.json] });
  const lifted = await api.post('/api/limits', { task_queue: 'gpu', samples_per_second: null }, as(operator.token));
  expect(lifted.json).toEqual({ task_queue: 'gpu', samples_per_second: null, set_at: null });
  expect((await api.get('/api/limits', as(reader.token))).json).toEqual({ limits: [] });
});

test('who may only read sets none', async () => {
  const answer = await api.post('/api/limits', { samples_per_second: 1 }, as(reader.token));
  expect(answer.json.code).toBe('ScopeMissing');
});

test.each([0, -1, 5e-324, 0.0009, 1e12, '5', undefined])(
  '%s samples a second is no limit',
  async (samples_per_second) => {
    const answer = await api.post('/api/limits', { samples_per_second }, as(operator.token));
    expect(answer.json).toMatchObject({ code: 'InvalidInput', errors: [{ field: 'samples_per_second' }] });
  },
);

test.each(['', 'a\0b', '\ud800', 'x'.repeat(1001)])('%j is no task queue', async (task_queue) => {
  const answer = await api.post('/api/limits', { task_queue, samples_per_second: 1 }, as(operator.token));
  expect(answer.json).toMatchObject({ code: 'InvalidInput', errors: [{ field: 'task_queue' }] });
  await expect(bench.limits.set(1, task_queue)).rejects.toMatchObject({ code: 'InvalidInput' });
});

test('a list of limits has an end', async () => {
  const now = new Date();
  const many = Array.from({ length: 1001 }, (_, n) => ({
    _id: `q${n}`,
    samples_per_second: 1,
    set_at: now,
    next_ms: 0,
  }));
  await collectionsOf(bench.store).limits.insertMany(many);
  expect((await api.get('/api/limits', as(reader.token))).json.limits).toHaveLength(1000);
});
