import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMonitor } from '../../api/backends/monitor.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { fillDataset } from './support/fill.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';
import { readEvents } from './support/read-events.ts';

let bench: Workbench;
let api: TestApi;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  await fillDataset(bench.store, 'before', 1);
  api = await openTestApi(bench.store);
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

test('after the database was dropped and filled again it serves and hears of changes as before', async () => {
  const { response } = await api.get('/api/events?dataset=after');
  const events = readEvents(response);
  const heard = events.next();
  await collectionsOf(bench.store).datasets.db.dropDatabase();
  await fillDataset(bench.store, 'after', 3);
  await expect.poll(async () => (await api.get('/api/datasets/after/samples')).status).toBe(200);
  // The document is changed until an event arrives, because a change before the stream listens may be missed.
  const change = () => collectionsOf(bench.store).datasets.updateOne({ _id: 'after' }, { $inc: { next_seq: 1 } });
  const again = setInterval(() => void change().catch(() => undefined), 300);
  try {
    expect((await heard).value).toMatchObject({ name: 'dataset', data: { dataset: 'after' } });
    const seen = await events.next();
    expect(seen.value.data.next_seq).toBeGreaterThan(3);
  } finally {
    clearInterval(again);
    await events.return(undefined);
  }
  expect(api.faults).toEqual([]);
});

test('who waits for a server leaves nothing behind on the signal', async () => {
  const monitor = createMonitor(async () => undefined, 1000);
  const { signal } = new AbortController();
  for (let turn = 0; turn < 20; turn += 1) await monitor.untilReady(signal);
  await monitor.stop();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
