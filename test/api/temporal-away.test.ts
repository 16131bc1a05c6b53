import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { fillDataset } from './support/fill.ts';
import { openUnready, type TestApi, uriOf } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  await fillDataset(bench.store, 'photos', 1);
  api = await openUnready({
    mongodbUri: uriOf(bench.store),
    // Nothing answers there.
    env: { TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_CONFIG_FILE: join(tmpdir(), 'plimsoll-no-such.toml') },
  });
  await api.context.backends.mongodb.untilReady();
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

test.each([
  ['POST', '/api/datasets/photos/embed'],
  ['POST', '/api/datasets/photos/prune'],
  ['POST', '/api/datasets/photos/relocate'],
  ['POST', '/api/datasets/photos/annotate'],
  ['POST', '/api/datasets/photos/forget'],
  ['DELETE', '/api/datasets/photos'],
  ['GET', '/api/schedules'],
  ['POST', '/api/schedules/nightly/trigger'],
  ['DELETE', '/api/schedules/nightly'],
])('what needs Temporal is refused at once: %s %s', async (method, path) => {
  const beganMs = performance.now();
  expect((await api.call(method, path)).json.code).toBe('TemporalUnavailable');
  // Calls to Temporal have a longer timeout.
  expect(performance.now() - beganMs).toBeLessThan(5000);
});

test('what needs MongoDB alone goes on', async () => {
  expect((await api.get('/api/datasets/photos')).status).toBe(200);
  expect((await api.post('/api/datasets/photos/tags', { add: ['x'], seqs: [0] })).status).toBe(200);
});
