import { randomUUID } from 'node:crypto';
import { MongoNetworkError } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findStarted } from '../../client/find-started.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { StartKeyDocument } from '../../core/store/documents.ts';
import { until } from '../support/patience.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { operationsOf } from './support/conformance.ts';
import { fillDataset } from './support/fill.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;
let key: string;
/** A load of a dataset of its own, which no worker begins. */
let load: { dataset: string; source: string };

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  api = await openTestApi(bench.store, { taskQueue: bench.taskQueue });
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

beforeEach(() => {
  key = randomUUID();
  load = { dataset: bench.newDataset(), source: bench.folder };
});

const start = (body: object = load, headers: Record<string, string> = { 'idempotency-key': key }, at = '/api/loads') =>
  api.post(at, body, headers);
const keysOf = ({ store }: Workbench) => collectionsOf(store).start_keys;
const end = (job: { workflow_id: string }) => bench.temporal.workflow.getHandle(job.workflow_id).terminate();

describe('a request with an Idempotency-Key', () => {
  test('that is repeated gets the same job, after its end as well, and from another process', async () => {
    const first = await start();
    expect(first.headers.has('idempotency-replayed')).toBe(false);
    await end(first.json);

    const replica = await openTestApi(bench.store, { taskQueue: bench.taskQueue });
    const again = await replica.post('/api/loads', load, { 'idempotency-key': `"${key}"` });
    await replica.close();

    expect(again).toMatchObject({ status: 202, json: first.json });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get('location')).toBe(`/api/jobs/${first.json.job_id}`);
    expect((await start(load, {})).json.job_id).not.toBe(first.json.job_id);
  });

  test('is refused with another body or address', async () => {
    await start();

    expect((await start({ ...load, embed: false })).json.code).toBe('IdempotencyKeyReused');
    expect((await start(load, undefined, '/api/loads?if_running=attach')).json.code).toBe('IdempotencyKeyReused');
  });

  test('is refused while it is being carried out', async () => {
    await start();
    await keysOf(bench).updateOne({ _id: key }, { $unset: { answer: true } });

    const { json, headers } = await start();
    expect(json.code).toBe('IdempotencyKeyInUse');
    expect(headers.get('retry-after')).toBe('2');
  });

  test('that was refused keeps no answer: the key is free', async () => {
    const running = await start(load, {});
    expect((await start()).json.code).toBe('AlreadyRunning');
    await end(running.json);

    expect((await start()).status).toBe(202);
  });

  test('that only asks what would be removed keeps no answer', async () => {
    await fillDataset(bench.store, load.dataset, 1);
    const at = `/api/datasets/${load.dataset}?dry_run=true`;
    const ask = () => api.call('DELETE', at, { headers: { 'idempotency-key': key } });
    expect((await ask()).status).toBe(200);

    expect((await ask()).headers.has('idempotency-replayed')).toBe(false);
  });

  test('whose outcome is not known can be repeated at once', async () => {
    const { client } = api.context.backends;
    const { startLoad } = client;
    client.startLoad = () => Promise.reject(new MongoNetworkError('The connection was lost.'));
    expect((await start()).status).toBe(503);
    client.startLoad = startLoad;

    expect((await start()).status).toBe(202);
  });

  test.each(['""', '"a', 'a b', 'a"b', 'x'.repeat(256)])('must have a usable key, not %s', async (unusable) => {
    expect((await start(load, { 'idempotency-key': unusable })).json).toMatchObject({
      code: 'InvalidParameter',
      errors: [{ in: 'header', field: 'idempotency-key' }],
    });
  });
});

describe('a process that died', () => {
  /** Leaves of a request what a process leaves that dies before it has kept the answer, once its hold is over. */
  const dies = (change: Partial<StartKeyDocument> = {}) =>
    keysOf(bench).updateOne({ _id: key }, { $unset: { answer: true }, $set: { held_until: new Date(0), ...change } });

  test('before it started the job: the job is started', async () => {
    const { json: first } = await start();
    await end(first);
    await dies({ claim_id: randomUUID() });

    const { status, json } = await start();
    expect(status).toBe(202);
    expect(json.job_id).not.toBe(first.job_id);
  });

  test('after it started the job: that job is the answer', async () => {
    const { json: first } = await start();
    await dies();

    expect(await start()).toMatchObject({ status: 202, json: first });
  });

  test('a moment ago, so that no list has the job yet: the start itself finds it', async () => {
    const job = await bench.startLoad(load, { startId: 'mine' });

    expect(await bench.startLoad(load, { startId: 'mine' })).toEqual(job);
    await expect(bench.startLoad(load, { startId: 'yours' })).rejects.toMatchObject({ code: 'AlreadyRunning' });
  });

  test('after it started a job that has ended since, before another one: the first job is the answer', async () => {
    const { json: first } = await start();
    await end(first);
    await start(load, {});
    await dies();
    const { claim_id, claimed_at } = (await keysOf(bench).findOne({ _id: key })) as StartKeyDocument;
    // Temporal's list lags.
    await until(() => findStarted(bench.temporal, claim_id, claimed_at));

    expect(await start()).toMatchObject({ status: 202, json: first });
    expect((await start()).headers.get('idempotency-replayed')).toBe('true');
  });

  test('after it made a schedule, or triggered it: neither is done again', async () => {
    const name = load.dataset;
    const create = () => start({ name, load, every_seconds: 3600 }, undefined, '/api/schedules');
    const { json: created } = await create();
    await dies();
    expect(await create()).toMatchObject({ status: 201, json: { name, created_at: created.created_at } });

    key = randomUUID();
    const trigger = () => start({}, undefined, `/api/schedules/${name}/trigger`);
    expect((await trigger()).status).toBe(200);
    await dies();
    // Without the mark of its time, the run would be taken for another one that is under way.
    expect((await trigger()).status).toBe(200);
    await api.call('DELETE', `/api/schedules/${name}`);
  });
});

test('every operation that starts a job takes the header', () => {
  const starts = operationsOf(api.api.document).filter(
    ({ operationId, responses }) =>
      '202' in responses || operationId === 'createSchedule' || operationId === 'triggerSchedule',
  );
  expect(starts.length).toBe(15);
  for (const { parameters = [], path } of starts)
    expect(parameters, path).toContainEqual(expect.objectContaining({ in: 'header', name: 'idempotency-key' }));
});
