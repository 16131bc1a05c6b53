import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectionsOf } from '../../core/store/collections.ts';
import { claimPort } from '../../local/ports.ts';
import { type Servers, startServers } from '../../local/servers.ts';
import { openUnready, type TestApi } from './support/open-api.ts';
import { readEvents } from './support/read-events.ts';

let dataDir: string;
let servers: Servers | undefined;
let api: TestApi;
let ports: { temporal: number; mongo: number };

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'plimsoll-outage-'));
  const any = () => claimPort(0, { role: 'a test', flag: '', instead: '' });
  ports = { temporal: await any(), mongo: await any() };
  api = await openUnready({
    mongodbUri: `mongodb://127.0.0.1:${ports.mongo}/?replicaSet=plimsoll`,
    env: {
      TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
      TEMPORAL_CONFIG_FILE: join(tmpdir(), 'plimsoll-no-such.toml'),
    },
  });
});

afterAll(async () => {
  await api?.close();
  await servers?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const ready = async () => (await api.get('/ready')).json;

test('without servers it answers at once: alive, not ready, and 503 with Retry-After', async () => {
  const beganMs = performance.now();
  expect((await api.get('/health')).status).toBe(200);
  expect(await ready()).toMatchObject({ ready: false, mongodb: { ready: false }, temporal: { ready: false } });
  for (const path of ['/api/datasets', '/api/jobs', '/api/events', '/api/datasets/x/samples/1/thumbnail']) {
    const { status, json } = await api.get(path);
    expect([status, json.code]).toEqual([503, 'MongoDBUnavailable']);
  }
  expect((await api.post('/api/loads', { dataset: 'photos', source: '/tmp' })).status).toBe(503);
  expect((await api.get('/metrics')).status).toBe(200);
  expect((await api.get('/api/config')).json.ready).toBe(false);
  // A single request that waited for its server would take longer than this.
  expect(performance.now() - beganMs).toBeLessThan(10_000);
});

test('it recovers by itself when they come, and again when they were away', async () => {
  // The servers start after the first connection to MongoDB has failed. The API must try again.
  await expect(api.context.backends.client.store.client.connect()).rejects.toThrow(/ECONNREFUSED|timed out/);
  servers = await startServers({ dataDir, ports, ui: 'off', open: true });
  await expect.poll(ready).toMatchObject({ ready: true });
  expect((await api.get('/api/datasets')).json).toEqual({ datasets: [], next: null });
  const metrics = new TextDecoder().decode((await api.get('/metrics')).bytes);
  expect(metrics).toMatch(/plimsoll_queue_wait_seconds\{task_queue="plimsoll",kind="workflow"\} 0/);
  expect(metrics.trimEnd()).toMatch(/# EOF$/);

  const { response } = await api.get('/api/events');
  const events = readEvents(response);
  const { mongod } = servers.members;
  await mongod?.stop();
  await expect.poll(ready).toMatchObject({ ready: false });
  expect((await api.get('/api/datasets')).json.code).toBe('MongoDBUnavailable');
  await mongod?.start();
  await expect.poll(ready).toMatchObject({ ready: true });
  // The stream that was open all the while goes on.
  await collectionsOf(api.context.backends.client.store).datasets.insertOne({
    _id: 'later',
    media_type: 'image',
    sources: [],
    next_seq: 0,
    counts: { total: 0, indexed: 0, failed: 0, missing: 0 },
    phases: {},
    models: [],
    latest_job: 'none',
    created_at: new Date(),
    last_modified_at: new Date(),
  });
  expect((await events.next()).value).toMatchObject({ name: 'dataset', data: { dataset: 'later' } });
  await events.return(undefined);
  expect(api.faults).toEqual([]);
});

test('a server that hangs is as good as away: it is noticed in seconds, and nobody waits for it', async () => {
  const pid = servers?.members.mongod?.pid as number;
  const mostMs = async (within: number, work: Promise<unknown>) => {
    const beganMs = performance.now();
    await work;
    expect(performance.now() - beganMs).toBeLessThan(within);
  };
  process.kill(pid, 'SIGSTOP');
  try {
    // This request is sent before the outage is noticed. It ends once the driver has looked for another server.
    const early = mostMs(
      25_000,
      api.get('/api/datasets').then(({ json }) => expect(json.code).toBe('MongoDBUnavailable')),
    );
    await mostMs(15_000, api.get('/metrics'));
    await expect.poll(async () => (await ready()).ready).toBe(false);
    await mostMs(10_000, api.get('/api/datasets/x/samples/1/thumbnail'));
    const { bytes } = await api.get('/metrics');
    const metrics = new TextDecoder().decode(bytes);
    expect(metrics).toContain('plimsoll_backend_up{backend="mongodb"} 0');
    // A value that cannot be read now keeps its last reading.
    expect(metrics).toContain('plimsoll_queue_wait_seconds{task_queue="plimsoll",kind="workflow"} 0');
    await early;
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await expect.poll(async () => (await ready()).ready).toBe(true);
  expect((await api.get('/api/datasets')).status).toBe(200);
  expect(api.faults).toEqual([]);
});
