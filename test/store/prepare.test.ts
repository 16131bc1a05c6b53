import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { connectPlimsoll, connectStore } from '../../client/connect.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openDataset } from '../../core/store/datasets.ts';
import { openStore } from '../../core/store/open.ts';
import { prepareDatabase, requireSchemaVersion, SAMPLE_INDEXES, SCHEMA_VERSION } from '../../core/store/prepare.ts';
import type { Store } from '../../core/store/store.ts';
import { createWorker } from '../../workers/create-worker.ts';
import type { Role } from '../../workers/plugin/options.ts';
import { openUnready, uriOf } from '../api/support/open-api.ts';
import { until } from '../support/patience.ts';

const stores: Store[] = [];

afterAll(async () => {
  for (const store of stores) {
    await store.client.db(store.database).dropDatabase();
    await store.close();
  }
});

/** A database that holds nothing. */
function newDatabase(): Store {
  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/test-schema-${randomUUID().slice(0, 8)}`;
  const store = openStore(uri.href);
  stores.push(store);
  return store;
}

const versionOf = async (store: Store) => (await collectionsOf(store).meta.findOne({ _id: 'schema' }))?.version;

const noteVersion = (store: Store, version: number) =>
  collectionsOf(store).meta.updateOne({ _id: 'schema' }, { $set: { version } }, { upsert: true });

const insertInto = (store: Store, collection: string) =>
  store.client.db(store.database).collection(collection).insertOne({ dataset_id: 'photos' });

/** How version 0.1.0 left its databases: without a version. */
const OF_OLD = [
  ['a dataset and no version', (store: Store) => insertInto(store, 'datasets')],
  ['jobs in the old collection alone', (store: Store) => insertInto(store, 'loads')],
  ['an older version', (store: Store) => noteVersion(store, SCHEMA_VERSION - 1)],
] as const;

describe('a new database', () => {
  it('is of the version of this code, and has the indexes that queries name', async () => {
    const store = newDatabase();

    await prepareDatabase(store);

    expect(SCHEMA_VERSION).toBe(1);
    expect(await versionOf(store)).toBe(1);
    const indexes = await collectionsOf(store).samples.listIndexes().toArray();
    expect(indexes.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.values(SAMPLE_INDEXES)));
  });

  it('may be prepared again, and by several processes at once', async () => {
    const store = newDatabase();
    const others = Array.from({ length: 5 }, () => openStore(uriOf(store)));
    try {
      await Promise.all([store, ...others].map(prepareDatabase));
      await prepareDatabase(store);
    } finally {
      await Promise.all(others.map((other) => other.close()));
    }

    expect(await collectionsOf(store).meta.find().toArray()).toEqual([{ _id: 'schema', version: 1 }]);
  });

  it('is new also where collections are there and hold nothing', async () => {
    const store = newDatabase();
    for (const name of ['datasets', 'loads']) await store.client.db(store.database).createCollection(name);

    await prepareDatabase(store);

    expect(await versionOf(store)).toBe(1);
  });

  it('that was dropped under a process that has prepared it gets its version with its first dataset', async () => {
    const store = newDatabase();
    await prepareDatabase(store);
    await store.client.db(store.database).dropDatabase();

    await openDataset(store, { datasetId: 'photos', mediaType: 'image', source: '/photos', jobId: 'job' });

    expect(await versionOf(store)).toBe(1);
    await expect(requireSchemaVersion(store)).resolves.toBeUndefined();
  });
});

describe('a database of an older Plimsoll', () => {
  it.each(OF_OLD)('with %s is refused, with what to do, and left as it is', async (_, leave) => {
    const store = newDatabase();
    await leave(store);
    const before = await collectionsIn(store);

    const error = await prepareDatabase(store).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: 'SchemaTooOld' });
    const { message } = error as Error;
    for (const part of [`"${store.database}"`, 'schema 0', 'another database in MONGODB_URI', 'load the folders again'])
      expect(message).toContain(part);
    expect(await collectionsIn(store)).toEqual(before);
  });
});

describe('a database of a newer Plimsoll', () => {
  it('is refused, with what to do, and left as it is', async () => {
    const store = newDatabase();
    await noteVersion(store, 2);

    const error = await prepareDatabase(store).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: 'SchemaTooNew' });
    const { message } = error as Error;
    for (const part of [`"${store.database}"`, 'schema 2', 'Update this Plimsoll', 'another database in MONGODB_URI'])
      expect(message).toContain(part);
    expect(await versionOf(store)).toBe(2);
    expect(await collectionsIn(store)).toEqual(['meta']);
  });
});

async function collectionsIn(store: Store): Promise<string[]> {
  const found = await store.client.db(store.database).listCollections({}, { nameOnly: true }).toArray();
  return found.map(({ name }) => name).sort();
}

const REFUSED = [
  ['SchemaTooOld', (store: Store) => insertInto(store, 'datasets')],
  ['SchemaTooNew', (store: Store) => noteVersion(store, 2)],
] as const;

const env = () => ({
  TEMPORAL_ADDRESS: inject('temporalAddress'),
  TEMPORAL_CONFIG_FILE: join(tmpdir(), 'plimsoll-no-such.toml'),
});

describe.each(REFUSED)('what can not be read by this version (%s)', (code, leave) => {
  it.each<Role>(['indexing', 'embedding'])('keeps a worker of the role %s from starting', async (role) => {
    const store = newDatabase();
    await leave(store);
    const connection = await NativeConnection.connect({ address: inject('temporalAddress') });
    try {
      const setup = { connection, namespace: 'default', role, overrides: { taskQueue: randomUUID() } };
      for (const mongodb of [uriOf(store), store.client])
        await expect(createWorker({ ...setup, plugin: { mongodb } })).rejects.toMatchObject({ code });
    } finally {
      await connection.close();
    }
  });

  it('keeps a client from connecting', async () => {
    const store = newDatabase();
    await leave(store);

    await expect(connectStore(uriOf(store))).rejects.toMatchObject({ code });
    await expect(connectPlimsoll({ mongodbUri: uriOf(store), env: env() })).rejects.toMatchObject({ code });
  });

  it('keeps the API alive and not ready, until the database is one that it can read', async () => {
    const store = newDatabase();
    await leave(store);
    const api = await openUnready({ mongodbUri: uriOf(store), env: env() });
    try {
      const { backends } = api.context;
      // Each time that MongoDB is asked takes some commands: by then it was asked more than once.
      let commands = 0;
      backends.client.store.client.on('connectionCheckedIn', () => commands++);
      await Promise.all([backends.temporal.untilReady(), until(() => commands >= 12)]);

      expect((await api.get('/health')).status).toBe(200);
      expect((await api.get('/ready')).json).toMatchObject({
        ready: false,
        mongodb: { ready: false, detail: expect.stringMatching(/written by an? (older|newer) Plimsoll/) },
      });
      for (const path of ['/api/datasets', '/api/jobs', '/api/datasets/photos/samples']) {
        const { status, json } = await api.get(path);
        expect([path, status, json.code]).toEqual([path, 503, 'MongoDBUnavailable']);
        expect(json.detail).toMatch(/written by an? (older|newer) Plimsoll/);
      }
      expect((await api.post('/api/loads', { dataset: 'photos', source: '/tmp' })).status).toBe(503);

      await store.client.db(store.database).dropDatabase();
      await expect.poll(async () => (await api.get('/ready')).json).toMatchObject({ ready: true });
      expect((await api.get('/api/datasets')).json).toEqual({ datasets: [], next: null });
      expect(await versionOf(store)).toBe(1);
      expect(api.faults).toEqual([]);
    } finally {
      await api.close();
    }
  });
});
