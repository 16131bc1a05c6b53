import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readTokens } from '../../api/auth/tokens.ts';
import { createToken } from '../../core/api-tokens.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

const reader = createToken('read');
const operator = createToken('operate');
const as = (token: string) => ({ authorization: `Bearer ${token}` });
let bench: Workbench;
let api: TestApi;
let source: string;
const made: string[] = [];

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  source = join(bench.folder, 'roots', 'pictures');
  await makePictures(source, 3);
  api = await openTestApi(bench.store, {
    taskQueue: bench.taskQueue,
    sourceRoots: [join(bench.folder, 'roots')],
    tokens: await readTokens({ PLIMSOLL_API_TOKENS: `${reader.line} ${operator.line}` }),
  });
});
afterEach(async () => {
  for (const name of made.splice(0)) await bench.schedules.delete(name).catch(() => undefined);
});
afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const loadOf = (dataset: string, more: object = {}) => ({ dataset, source, embed: false, ...more });
const get = (path: string, { token } = operator) => api.get(`/api/schedules${path}`, as(token));
const post = (path: string, body?: unknown, { token } = operator) => api.post(`/api/schedules${path}`, body, as(token));
const create = (name: string, more: object = { every_seconds: 3600 }) => {
  made.push(name);
  return post('', { name, load: loadOf(name), ...more });
};

describe('a schedule', () => {
  test('is made, and is the one that the client has', async () => {
    const name = bench.newDataset();

    const { status, json, headers } = await create(name, { cron: '0 3 * * mon-fri', time_zone: 'europe/zurich' });

    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/schedules/${name}`);
    expect(json).toMatchObject({
      name,
      dataset: name,
      source,
      when: 'At 03:00, Monday through Friday (Europe/Zurich)',
      paused: false,
      next_run: expect.any(String),
      last_run: null,
    });
    expect(json).toEqual(await bench.schedules.get(name));
    expect((await get(`/${name}`)).json).toEqual(json);
    await expect
      .poll(async () => (await get('')).json.schedules.map((one: { name: string }) => one.name))
      .toContain(name);
  });

  test('is paused with a reason, resumed, and deleted', async () => {
    const name = bench.newDataset();
    await create(name);

    const paused = await post(`/${name}/pause`, { reason: 'the disk is being replaced' });
    expect(paused.json).toMatchObject({ paused: true, note: 'the disk is being replaced', next_run: null });
    expect((await post(`/${name}/resume`)).json).toMatchObject({ paused: false, next_run: expect.any(String) });
    expect((await post(`/${name}/pause`)).json.paused).toBe(true);

    expect((await api.call('DELETE', `/api/schedules/${name}`, { headers: as(operator.token) })).status).toBe(204);
    await expect(bench.schedules.get(name)).rejects.toMatchObject({ code: 'ScheduleNotFound' });
  });

  test('loads when it is triggered, and says which job that is and how it ended', async () => {
    const name = bench.newDataset();
    await create(name);

    const { job_id } = (await post(`/${name}/trigger`)).json.last_run;

    expect((await bench.wait(job_id)).dataset).toBe(name);
    expect((await get(`/${name}`)).json.last_run).toMatchObject({ job_id, result: 'completed', error: null });
  });

  test('shows a reader no path of this machine, nor where its webhooks go', async () => {
    const name = bench.newDataset();
    await create(name, {
      load: loadOf(name, { webhooks: [{ url: 'https://hooks.example/secret' }] }),
      every_seconds: 3600,
    });
    await post(`/${name}/pause`, { reason: `waits for ${source}` });

    const shown = (await get(`/${name}`, reader)).json;

    expect(shown).toMatchObject({ source: 'pictures', note: 'waits for pictures' });
    expect(JSON.stringify(shown)).not.toMatch(new RegExp(`${bench.folder}|secret`));
    expect((await get(`/${name}`)).json.source).toBe(source);
  });

  test('is changed by nobody who may only read', async () => {
    const name = bench.newDataset();
    await create(name);
    for (const verb of ['pause', 'resume', 'trigger'])
      expect((await post(`/${name}/${verb}`, undefined, reader)).json.code).toBe('ScopeMissing');
    const deletion = await api.call('DELETE', `/api/schedules/${name}`, { headers: as(reader.token) });
    expect(deletion.json.code).toBe('ScopeMissing');
    const another = { name: `${name}-2`, load: loadOf(name), every_seconds: 60 };
    expect((await post('', another, reader)).json.code).toBe('ScopeMissing');
    expect(await bench.schedules.get(name)).toMatchObject({ paused: false, last_run: null });
  });
});

describe('what can not be scheduled is refused', () => {
  const HOURLY = { every_seconds: 3600 };
  test.each<[string, object, string, string[]]>([
    ['a cron with a minute too many', { cron: '61 3 * * *' }, 'InvalidSchedule', ['cron']],
    ['a cron of words', { cron: 'every night' }, 'InvalidSchedule', ['cron']],
    ['a cron that never comes', { cron: '0 0 31 2 *' }, 'InvalidSchedule', ['cron']],
    ['no times', {}, 'InvalidSchedule', ['cron', 'every_seconds']],
    ['times of both sorts', { cron: '0 3 * * *', ...HOURLY }, 'InvalidSchedule', ['cron', 'every_seconds']],
    ['an interval of seconds', { every_seconds: 5 }, 'InvalidInput', ['every_seconds']],
    ['a zone that does not exist', { ...HOURLY, time_zone: 'Mars/Olympus' }, 'InvalidInput', ['time_zone']],
    ['an offset as a zone', { cron: '0 3 * * *', time_zone: '+02:00' }, 'InvalidInput', ['time_zone']],
    ['a name that is none', { ...HOURLY, name: 'My Photos' }, 'InvalidInput', ['name']],
    ['a field that it does not have', { ...HOURLY, colour: 'red' }, 'InvalidInput', ['']],
    ['no load', { ...HOURLY, load: undefined }, 'InvalidInput', ['load']],
  ])('%s', async (_, request, code, fields) => {
    const name = bench.newDataset();

    const { status, json } = await create(name, request);

    expect([status, json.code]).toEqual([422, code]);
    expect(json.errors.map(({ field }: { field: string }) => field)).toEqual(fields);
    await expect(bench.schedules.get(name)).rejects.toMatchObject({ code: 'ScheduleNotFound' });
  });

  test.each<[string, object, string]>([
    ['of zero length', { start: '22:00', end: '22:00' }, 'load.embed_window.end'],
    [
      'of a zone that does not exist',
      { start: '22:00', end: '06:00', time_zone: 'Mars/Olympus' },
      'load.embed_window.time_zone',
    ],
  ])('a window %s', async (_, embed_window, field) => {
    const name = bench.newDataset();
    const { status, json } = await create(name, { ...HOURLY, load: loadOf(name, { embed: true, embed_window }) });
    expect([status, json.errors[0].field]).toEqual([422, field]);
  });

  test('a folder outside the source roots, also by a link, and a model that is a path', async () => {
    const name = bench.newDataset();
    const outside = join(bench.folder, 'outside');
    const link = join(bench.folder, 'roots', 'link');
    await mkdir(outside);
    await symlink(outside, link);
    for (const folder of ['/etc', `${source}/../..`, link]) {
      const { json } = await create(name, { ...HOURLY, load: loadOf(name, { source: folder }) });
      expect(json).toMatchObject({ code: 'SourceOutsideRoots', errors: [{ field: 'load.source' }] });
    }
    const { json } = await create(name, { ...HOURLY, load: loadOf(name, { model: '/etc' }) });
    expect(json).toMatchObject({ code: 'InvalidInput', errors: [{ field: 'load.model' }] });
  });

  test('a name that is taken', async () => {
    const name = bench.newDataset();
    await create(name);
    const { status, json } = await create(name);
    expect([status, json.code]).toEqual([409, 'ScheduleExists']);
  });

  test('what is asked of one that does not exist', async () => {
    expect((await get('/nightly')).status).toBe(404);
    for (const verb of ['pause', 'resume', 'trigger'])
      expect((await post(`/nightly/${verb}`)).json.code).toBe('ScheduleNotFound');
    const deletion = await api.call('DELETE', '/api/schedules/nightly', { headers: as(operator.token) });
    expect(deletion.json.code).toBe('ScheduleNotFound');
  });

  test('an unknown zone in a load that starts now names its field, too', async () => {
    const embed_window = { start: '22:00', end: '06:00', time_zone: 'Mars/Olympus' };
    const { json } = await api.post('/api/loads', loadOf('any', { embed: true, embed_window }), as(operator.token));
    expect(json).toMatchObject({ code: 'InvalidInput', errors: [{ field: 'embed_window.time_zone' }] });
  });
});
