import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningApi, startApi } from '../../api/start-server.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { until } from '../support/patience.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { operationsOf } from './support/conformance.ts';
import { fillDataset } from './support/fill.ts';
import { openTestApi, settingsFor, type TestApi, uriOf } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  await fillDataset(bench.store, 'photos', 20, (seq) => (seq === 3 ? { filepath: '/etc/passwd' } : {}));
  api = await openTestApi(bench.store, { taskQueue: 'nobody', sourceRoots: [bench.folder] });
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const NASTY = [
  '',
  ' ',
  '0',
  '-1',
  '1e9',
  '1.5',
  'NaN',
  '9007199254740993',
  '99999999999999999999999999',
  'null',
  'undefined',
  'true',
  '[]',
  '{"$gt":""}',
  '$where',
  '..',
  '../../etc/passwd',
  '..%2f..%2fetc',
  '/etc/passwd',
  'file:///etc/passwd',
  '\0',
  'a\0b',
  '\r\nSet-Cookie: x=1',
  '\u{1f40b}',
  '\u202e',
  '\ud800',
  '(',
  '(((((a+)+)+)+)+)+$',
  '.*',
  '\\',
  "' OR 1=1 --",
  '<script>alert(1)</script>',
  '__proto__',
  'constructor',
  'x'.repeat(5000),
  '2026-13-45T99:99:99Z',
  '2026-01-01T00:00:00Z',
  'photos',
];

const GOOD: Record<string, string> = { dataset: 'photos', job: 'photos', schedule: 'none', seq: '1' };
const encoded = (text: string) => encodeURIComponent(text.toWellFormed());

describe('no input gives a 500, nor anything that is not documented', () => {
  test('in a path', async () => {
    for (const { method, path } of operationsOf(api.api.document)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
      for (const name of names) {
        for (const nasty of NASTY.filter((text) => text !== '' && text !== '..' && text !== 'photos')) {
          const at = path.replaceAll(/\{(\w+)\}/g, (_, one) => (one === name ? encoded(nasty) : (GOOD[one] ?? '')));
          const { status } = await api.call(method, at);
          expect([200, 400, 404, 405, 409, 410, 415, 422], `${method} ${at}`).toContain(status);
        }
      }
    }
  });

  test('in a query', async () => {
    for (const { method, path, parameters = [] } of operationsOf(api.api.document)) {
      const at = path.replaceAll(/\{(\w+)\}/g, (_, one) => GOOD[one] ?? '');
      const names = [
        ...parameters.filter(({ in: place }) => place === 'query').map(({ name }) => name),
        '__proto__',
        'a[b]',
      ];
      for (const name of names) {
        for (const nasty of NASTY) {
          const { status, response } = await api.call(method, `${at}?${encoded(name)}=${encoded(nasty)}`);
          if (!response.bodyUsed) await response.body?.cancel();
          expect(status, `${at}?${name}=${nasty}`).toBeLessThan(500);
        }
        const { status, response } = await api.call(method, `${at}?${encoded(name)}=1&${encoded(name)}=2`);
        if (!response.bodyUsed) await response.body?.cancel();
        expect(status).toBeLessThan(500);
      }
    }
  });

  test('in a header', async () => {
    const header = NASTY.filter((text) => /^[\x20-\x7e]*$/.test(text));
    const names = [
      'accept',
      'range',
      'if-range',
      'if-none-match',
      'last-event-id',
      'content-type',
      'cookie',
      'x-forwarded-proto',
    ];
    for (const name of names) {
      for (const nasty of header) {
        for (const path of [
          '/api/datasets',
          '/api/datasets/photos/samples/1/file',
          '/api/datasets/photos/samples/1/thumbnail',
        ]) {
          const { status } = await api.get(path, { [name]: nasty });
          expect(status).toBeLessThan(500);
        }
        const events = await api.get('/api/events', { [name]: nasty });
        if (!events.response.bodyUsed) await events.response.body?.cancel();
        expect(events.status).toBeLessThan(500);
      }
    }
  });

  test('in a body', async () => {
    const values: unknown[] = [
      ...NASTY,
      null,
      true,
      0,
      -1,
      1e308,
      [],
      {},
      [[[]]],
      { $gt: '' },
      { toString: 1 },
      ['x'.repeat(200)],
      NASTY,
    ];
    const bodies = [
      '/api/loads',
      '/api/session',
      '/api/datasets/photos/tags',
      '/api/datasets/none/embed',
      '/api/jobs/none/cancel',
      '/api/jobs/none/retry',
    ];
    const fields = [
      'dataset',
      'source',
      'embed',
      'model',
      'max_failed_percent',
      'priority',
      'webhooks',
      'embed_window',
      'embed_at',
      'token',
      'add',
      'remove',
      'seqs',
      'filter',
      'after',
      'reason',
      '__proto__',
    ];
    const good = { dataset: 'UPPER', source: '/', add: ['x'], seqs: [1], token: 'x' };
    for (const path of bodies) {
      for (const value of values) {
        const { status } = await api.post(path, value);
        expect(status, `${path} ${JSON.stringify(value)}`).toBeGreaterThanOrEqual(path.endsWith('session') ? 200 : 400);
        expect(status).toBeLessThan(500);
        for (const field of fields) {
          const answer = await api.call('POST', path, {
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ ...good, [field]: value }),
          });
          expect(answer.status).toBeLessThan(500);
        }
      }
    }
    for (const value of values) {
      for (const field of ['name', 'load', 'cron', 'every_seconds', 'time_zone', 'load.source', 'load.embed_window']) {
        const [outer = '', inner] = field.split('.');
        const load = { dataset: 'photos', source: bench.folder };
        const good: Record<string, unknown> = { name: 'nasty', load, every_seconds: 3600 };
        const request = { ...good, [outer]: inner === undefined ? value : { ...load, [inner]: value } };
        const { status, json } = await api.post('/api/schedules', request);
        expect([201, 403, 422], `${field} ${JSON.stringify(value)}`).toContain(status);
        if (status === 201) await api.call('DELETE', `/api/schedules/${json.name}`);
      }
      expect((await api.post('/api/schedules/none/pause', { reason: value })).status).toBeLessThan(500);
    }
    for (const nasty of NASTY) {
      for (const field of ['status', 'tag', 'format', 'path_prefix', 'q', 'error', 'min_width', 'max_bytes']) {
        const body = { add: ['x'], filter: { [field]: nasty } };
        expect((await api.post('/api/datasets/photos/tags', body)).status).toBeLessThan(500);
      }
      expect((await api.post('/api/datasets/photos/tags', { add: [nasty], seqs: [1] })).status).toBeLessThan(500);
    }
    expect(api.faults).toEqual([]);
  });
});

describe('what bad input gets', () => {
  test.each([
    ['/api/datasets/photos/samples/1/../../../../etc/passwd', 404],
    ['/api/datasets/photos/samples/%2e%2e%2f%2e%2e/file', 400],
    ['/api/datasets/..%2fphotos/samples', 400],
    ['/assets/../package.json', 404],
    ['/assets/%2e%2e/package.json', 404],
    ['/assets/..%2f..%2fetc%2fpasswd', 404],
    ['/api/datasets/photos/samples/3/file', 403],
    ['/api/datasets/photos/samples/3/thumbnail', 403],
    ['/api/datasets/photos/samples?limit=1000000', 400],
    ['/api/datasets/photos/samples?after=made-up', 400],
    ['/api/datasets/photos/samples?colour=red', 400],
    ['/api/datasets/photos/samples/1.5', 400],
    ['/api/datasets/photos/samples/99', 404],
    ['/api/datasets/none/samples', 404],
    ['/api/jobs?cursor=made-up', 400],
    ['/api/jobs?state=sleeping', 400],
    ['/api/jobs?state=failed&state=sleeping', 400],
    ['/api/jobs/none', 404],
  ])('%s: %i', async (path, status) => {
    expect((await api.get(path)).status).toBe(status);
  });

  test('what is wrong with a body is said in words, by field', async () => {
    const { status, json } = await api.post('/api/loads', { dataset: 'Photos', sorce: '/tmp', embed: 'yes' });
    expect(status).toBe(422);
    expect(json.errors).toEqual([
      { in: 'body', field: 'dataset', message: expect.stringMatching(/^must begin with a-z/) },
      { in: 'body', field: 'source', message: 'is required' },
      { in: 'body', field: 'embed', message: 'must be true or false' },
      {
        in: 'body',
        field: '',
        message: expect.stringMatching(/^has no field "sorce" \(its fields: dataset, source, /),
      },
    ]);
    expect(json.detail).toMatch(/; source is required; embed must be true or false; the input has no field "sorce" /);
  });

  test.each(['pictures', './pictures', '~/pictures'])('the source %s, which is no absolute path', async (source) => {
    const { status, json } = await api.post('/api/loads', { dataset: 'photos', source });
    expect([status, json.errors?.[0]?.field]).toEqual([422, 'source']);
  });

  test('an address that is mistyped shows the page in a browser, and a problem to programs', async () => {
    const shown = await api.get('/dataset/photos', { accept: 'text/html,*/*;q=0.8' });
    expect([shown.status, shown.headers.get('content-type')]).toEqual([404, 'text/html; charset=UTF-8']);
    expect((await api.get('/dataset/photos')).json.code).toBe('NotFound');
    expect((await api.get('/api/dataset', { accept: 'text/html' })).json.code).toBe('NotFound');
  });

  test('a source that leads out of the roots, however it is written', async () => {
    for (const source of [
      '/etc',
      `${bench.folder}/..`,
      `${bench.folder}/../../etc`,
      '/',
      'relative',
      '.',
      '/proc/self/root/etc',
      'file:///etc',
      '/etc\0',
    ]) {
      const { json, status } = await api.post('/api/loads', { dataset: 'photos', source });
      expect([403, 422], source).toContain(status);
      expect(json.detail).not.toMatch(/exist|ENOENT/);
    }
  });

  test('a model that is a path is refused', async () => {
    const { json } = await api.post('/api/loads', { dataset: 'photos', source: bench.folder, model: '/etc' });
    expect(json.code).toBe('InvalidInput');
  });

  test('each wrong field is named', async () => {
    const { json } = await api.post('/api/loads', { dataset: 'NO', priority: 9, colour: 'red' });
    expect(json.errors.map(({ field }: { field: string }) => field).sort()).toEqual([
      '',
      'dataset',
      'priority',
      'source',
    ]);
  });

  test('a method that is not known there', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const { status, headers } = await api.call(method, '/api/limits');
      expect([status, headers.get('allow')]).toEqual([405, 'GET, POST']);
    }
  });

  test('a body without an end', async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(32));
      },
    });
    const answer = await api.call('POST', '/api/loads', {
      headers: { 'content-type': 'application/json' },
      body: endless,
    });
    expect(answer.json.code).toBe('BodyTooLarge');
    expect(sent).toBeLessThan(4 * 1024 * 1024);
  });
});

describe('on a port', () => {
  let server: RunningApi;

  beforeAll(async () => {
    server = await startApi(settingsFor(uriOf(bench.store)), () => undefined);
    await until(() => server.context.changes.ready);
  });

  afterAll(() => server.close());

  const raw = (request: string): Promise<string> =>
    new Promise((resolve) => {
      let answer = '';
      const socket = connect(server.port, '127.0.0.1', () => socket.write(request, 'latin1'));
      socket.setEncoding('latin1').on('data', (text: string) => {
        answer += text;
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', () => resolve(answer));
    });

  test.each([
    ['nonsense', 'HELLO\r\n\r\n', /^HTTP\/1.1 400 /],
    ['headers without end', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, /^HTTP\/1.1 431 /],
    [
      'a zero byte in the address',
      'GET /api/\0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      /^HTTP\/1.1 400 /,
    ],
    [
      'a whole URL of another host',
      'GET http://evil.example/api/datasets HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
      /^HTTP\/1.1 (400|403) /,
    ],
    [
      'a broken escape',
      'GET /api/datasets/%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      /^HTTP\/1.1 (400|404) /,
    ],
    [
      'dots that climb',
      'GET /assets/../../package.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      /^HTTP\/1.1 (400|404) /,
    ],
    ['no host', 'GET /api/datasets HTTP/1.0\r\n\r\n', /^HTTP\/1.1 (400|403) /],
  ])('%s', async (_name, request, answer) => {
    expect(await raw(request)).toMatch(answer);
  });

  test('who never reads its stream is let go, and costs little meanwhile', async () => {
    const { store } = bench;
    const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
    const socket = connect(server.port, '127.0.0.1', () =>
      socket.write('GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    );
    socket.pause();
    await expect.poll(metrics).toMatch(/plimsoll_open_streams 1\b/);
    const beforeMb = process.memoryUsage().rss / 2 ** 20;
    const document = await collectionsOf(store).datasets.findOne({ _id: 'photos' });
    const models = Array.from({ length: 2000 }, (_, n) => ({
      key: `model-${n}`,
      name: 'x'.repeat(200),
      revision: '1',
      dim: 1,
      vectors: 0,
      last_modified_at: new Date(),
    }));
    for (let n = 0; n < 60; n += 1)
      await collectionsOf(store).datasets.updateOne({ _id: 'photos' }, { $set: { models, 'counts.total': n } });
    expect(process.memoryUsage().rss / 2 ** 20 - beforeMb).toBeLessThan(250);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    socket.destroy();
    await collectionsOf(store).datasets.updateOne({ _id: 'photos' }, { $set: { models: document?.models ?? [] } });
    await expect.poll(metrics).toMatch(/plimsoll_open_streams 0\b/);
  });
});
