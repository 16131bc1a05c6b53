import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { operationsOf } from './support/conformance.ts';
import { fillDataset } from './support/fill.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  await fillDataset(bench.store, 'photos', 20);
  api = await openTestApi(bench.store, { taskQueue: 'nobody' });
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const SAMPLES = '/api/datasets/photos/samples';

describe('what an operation does not know is refused', () => {
  const NAMES: Record<string, string> = { dataset: 'photos', job: 'photos', schedule: 'photos', seq: '0', key: 'a@1' };
  const address = (path: string) => path.replaceAll(/\{(\w+)\}/g, (_, name) => NAMES[name] as string);

  test('a query parameter, of every operation', async () => {
    for (const { method, path } of operationsOf(api.api.document)) {
      const { json } = await api.call(method, `${address(path)}?no_such=1`);
      expect(json, `${method} ${path}`).toMatchObject({ code: 'InvalidParameter' });
      expect(json.detail).toContain('no_such');
    }
  });

  test('a field of a body, of every operation that changes something', async () => {
    for (const { method, path } of operationsOf(api.api.document).filter((one) => one.method !== 'GET')) {
      const at = `${address(path)}${path === '/api/jobs' ? '?older_than=1d' : ''}`;
      const json = { 'content-type': 'application/json' };
      const refused = await api.call(method, at, { headers: json, body: '{"no_such": 1}' });
      expect(refused.json, `${method} ${path}`).toMatchObject({ code: 'InvalidInput' });
      expect((await api.call(method, at, { headers: json, body: 'no_such' })).json.code).toBe('InvalidJson');
    }
    expect((await bench.jobs({})).jobs).toEqual([]);
  });

  test('but an empty object is no body', async () => {
    expect((await api.post('/api/jobs/nothing/pause', {})).json.code).toBe('JobNotFound');
  });
});

describe('a request has an ID', () => {
  test('its own, in the answer and in a problem', async () => {
    const { headers } = await api.get('/health', { 'x-request-id': 'mine-1' });
    expect(headers.get('x-request-id')).toBe('mine-1');
    const { json } = await api.get('/api/datasets/none', { 'x-request-id': 'mine-2' });
    expect(json.request_id).toBe('mine-2');
  });

  test('or a new one, where it has none or one that could not be logged', async () => {
    for (const given of [undefined, 'a b', 'x'.repeat(300)]) {
      const { headers, json } = await api.get('/api/no-such', given === undefined ? {} : { 'x-request-id': given });
      expect(json.request_id).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers.get('x-request-id')).toBe(json.request_id);
    }
  });

  test('also with a picture and a page, which are answers of their own', async () => {
    for (const path of [`${SAMPLES}/0/thumbnail`, '/'])
      expect((await api.get(path, { 'x-request-id': 'mine' })).headers.get('x-request-id')).toBe('mine');
  });

  test('that the log has beside the fault', async () => {
    const { client } = api.context.backends;
    const { jobs } = client;
    client.jobs = () => Promise.reject(new Error('A bug.'));
    const init = { headers: { host: 'localhost', 'x-request-id': 'faulty' } };
    const response = await api.api.fetch(new Request('http://localhost/api/jobs', init));
    client.jobs = jobs;

    expect(response.status).toBe(500);
    expect(api.faults.splice(0)).toEqual([expect.stringContaining('GET /api/jobs (request faulty)')]);
  });
});

describe('JSON', () => {
  test('that the caller has is not sent again, until it changes', async () => {
    const { headers } = await api.get(SAMPLES);
    const etag = headers.get('etag') as string;
    expect(headers.get('cache-control')).toBe('private, no-cache');

    const unchanged = await api.get(SAMPLES, { 'if-none-match': `"other", ${etag}` });
    expect({ status: unchanged.status, bytes: unchanged.bytes.length }).toEqual({ status: 304, bytes: 0 });
    expect(unchanged.headers.get('etag')).toBe(etag);
    expect((await api.get(`${SAMPLES}?limit=1`, { 'if-none-match': etag })).status).toBe(200);
    await api.post('/api/datasets/photos/tags', { add: ['new'], seqs: [0] });
    expect((await api.get(SAMPLES, { 'if-none-match': etag })).status).toBe(200);
  });

  test('of a problem has no tag, as it may be over the next time', async () => {
    const { headers } = await api.get('/api/datasets/none');
    expect(headers.get('etag')).toBeNull();
    expect(headers.get('cache-control')).toBe('no-store');
  });
});

describe('text is compressed', () => {
  const asked = async (path: string, encoding: string) => {
    const headers = { host: 'localhost', 'accept-encoding': encoding };
    return api.api.fetch(new Request(`http://localhost${path}`, { headers }));
  };
  const decoders: Record<string, (bytes: Uint8Array) => Uint8Array> = { br: brotliDecompressSync, gzip: gunzipSync };

  test.each([
    ['br', 'br'],
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0.1, gzip;q=0.5', 'gzip'],
    ['*', 'br'],
  ])('for a caller who accepts %s', async (accepted, encoding) => {
    const { bytes: plain } = await api.get(SAMPLES);
    const response = await asked(SAMPLES, accepted);

    expect(response.headers.get('content-encoding')).toBe(encoding);
    expect(response.headers.get('vary')).toContain('Accept-Encoding');
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(bytes.length).toBeLessThan(plain.length / 3);
    expect(new Uint8Array(decoders[encoding]?.(bytes) ?? [])).toEqual(plain);
  });

  test.each(['', 'identity', 'deflate', 'gzip;q=0, br;q=0'])('and not for one who accepts %j', async (accepted) => {
    const response = await asked(SAMPLES, accepted);
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(await response.json()).toMatchObject({ next: null });
  });

  test('but for what fits a packet, for streams and for pictures', async () => {
    for (const path of ['/api/config', '/api/events', `${SAMPLES}/0/thumbnail`]) {
      const response = await asked(path, 'br');
      expect(response.headers.get('content-encoding'), path).toBeNull();
      await response.body?.cancel();
    }
  });

  test('in documents and metrics as well', async () => {
    for (const path of ['/api/docs', '/api/openapi.json', '/metrics'])
      expect((await asked(path, 'br')).headers.get('content-encoding'), path).toBe('br');
  });
});
