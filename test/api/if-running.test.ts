import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { fillDataset, SOURCE } from './support/fill.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

// Without an embedding worker a load stays in its second phase; without an indexing worker no job begins.
let bench: Workbench;
let api: TestApi;
let workerless: TestApi;
let source: string;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  source = join(bench.folder, 'pictures');
  await makePictures(source, 3);
  [api, workerless] = await Promise.all([
    openTestApi(bench.store, { taskQueue: bench.taskQueue }),
    openTestApi(bench.store, { taskQueue: `${bench.taskQueue}-nobody` }),
  ]);
});
afterAll(async () => {
  await Promise.all([api?.close(), workerless?.close()]);
  await bench?.stop();
});

const VERBS: [string, string, (dataset: string) => string][] = [
  ['embed', 'POST', (dataset) => `/api/datasets/${dataset}/embed`],
  ['prune', 'POST', (dataset) => `/api/datasets/${dataset}/prune`],
  ['retry', 'POST', (dataset) => `/api/jobs/${dataset}/retry`],
  ['delete', 'DELETE', (dataset) => `/api/datasets/${dataset}`],
];

const load = async (dataset: string) => {
  const body = { dataset, source, embed_task_queue: bench.embedTaskQueue };
  const { json } = await api.post('/api/loads', body);
  await bench.wait(json.job_id, { for: 'browsable' });
  return json;
};

describe.each(VERBS)('a second %s while one waits for a worker', (_, method, pathOf) => {
  test('is refused, naming that one, or is that one', async () => {
    const dataset = bench.newDataset();
    await fillDataset(bench.store, dataset, 2);
    const start = (query = '') => workerless.call(method, `${pathOf(dataset)}${query}`);

    const first = await start();

    expect(first.json).toMatchObject({ dataset, attached: false });
    expect(first.headers.get('location')).toBe(`/api/jobs/${first.json.job_id}`);
    for (const query of ['', '?if_running=fail'])
      expect((await start(query)).json).toMatchObject({ code: 'AlreadyRunning', job: { job_id: first.json.job_id } });
    const attached = await start('?if_running=attach');
    expect([attached.status, attached.json]).toEqual([202, { ...first.json, attached: true }]);
    const { json } = await start('?if_running=maybe');
    expect(json).toMatchObject({ code: 'InvalidParameter', errors: [{ in: 'query', field: 'if_running' }] });
  });
});

test.each(VERBS.filter(([verb]) => verb !== 'embed'))(
  'a %s takes the place of a load that runs, which ends first',
  async (verb, method, pathOf) => {
    const first = await load(bench.newDataset());

    const { status, json } = await api.call(method, `${pathOf(first.dataset)}?if_running=replace`);

    expect({ status, ...json }).toMatchObject({ status: 202, attached: false });
    expect((await bench.status(first.job_id)).state).toBe('canceled');
    expect(json.job_id).not.toBe(first.job_id);
    expect((await bench.status(json.job_id)).kind).toBe(verb);
  },
);

test('a load that runs is answered to one that attaches, and to an embedding that it does itself', async () => {
  const first = await load(bench.newDataset());
  const again = await api.post('/api/loads?if_running=attach', { dataset: first.dataset, source });
  expect(again.json).toEqual({ ...first, attached: true });

  // Before the second phase has begun, an embedding would be a separate job.
  const phase = bench.temporal.workflow.getHandle(`embed-${first.dataset}:built-in`);
  const begun = () => phase.describe().then(({ status }) => status.name, String);
  await expect.poll(begun).toBe('RUNNING');
  const embedding = await api.post(`/api/datasets/${first.dataset}/embed?if_running=attach`);
  expect(embedding.json).toEqual({ ...first, attached: true });
});

test('a replacement has the time that a cancel takes which no worker hears', async () => {
  const dataset = bench.newDataset();
  await fillDataset(bench.store, dataset, 2);
  const { json: first } = await workerless.post(`/api/datasets/${dataset}/prune`);

  const { status, json } = await workerless.post(`/api/datasets/${dataset}/prune?if_running=replace`);

  expect({ status, ...json }).toMatchObject({ status: 202, attached: false });
  expect(await bench.status(first.job_id)).toMatchObject({ state: 'canceled', error: { code: 'Replaced' } });
  expect((await bench.status(json.job_id)).state).toBe('queued');
}, 60_000);

describe('a dry run', () => {
  test('says what a prune and a deletion would remove, and which schedules would be paused; and does nothing', async () => {
    const dataset = bench.newDataset();
    await fillDataset(bench.store, dataset, 5, (seq) => (seq < 2 ? { status: 'missing' } : {}));
    await api.post('/api/schedules', { name: dataset, load: { dataset, source }, every_seconds: 3600 });

    const prune = await api.post(`/api/datasets/${dataset}/prune?dry_run=true`);
    expect([prune.status, prune.json]).toEqual([200, { dataset, dry_run: true, samples: 2, vectors: 0 }]);
    await expect
      .poll(async () => (await api.call('DELETE', `/api/datasets/${dataset}?dry_run=true`)).json)
      .toEqual({ dataset, dry_run: true, samples: 5, vectors: 0, schedules: [dataset] });

    const forget = (folder: string) => api.post(`/api/datasets/${dataset}/forget?dry_run=true`, { source: folder });
    expect((await forget(`${SOURCE}/1`)).json).toMatchObject({ samples: 1, vectors: 0, schedules: [] });
    expect(await bench.jobs({ dataset })).toEqual({ jobs: [], next: null });
    await bench.schedules.delete(dataset);
  });

  test('is asked for in no other words', async () => {
    for (const value of ['1', 'yes', '', 'TRUE']) {
      const { json } = await api.call('DELETE', `/api/datasets/any?dry_run=${value}`);
      expect(json).toMatchObject({ code: 'InvalidParameter', errors: [{ field: 'dry_run' }] });
    }
  });
});
