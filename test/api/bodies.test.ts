import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningApi, startApi } from '../../api/start-server.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { settingsFor, uriOf } from './support/open-api.ts';

let bench: Workbench;
let api: RunningApi;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  api = await startApi(settingsFor(uriOf(bench.store), { taskQueue: 'nobody' }), () => {});
  await Promise.all([api.context.backends.mongodb.untilReady(), api.context.backends.temporal.untilReady()]);
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

interface Answer {
  status: number;
  code: string;
}

/** Sends exactly these headers. fetch would add others. */
function post(path: string, headers: Record<string, string>, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${api.url}${path}`, { method: 'POST', headers }, async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      resolve({ status: response.statusCode ?? 0, code: JSON.parse(text).code });
    });
    sent.on('error', reject);
    // Without a body and a length Node would announce chunks.
    if (body === undefined) sent.useChunkedEncodingByDefault = false;
    sent.end(body);
  });
}

const WITH_BODY = [
  '/api/session',
  '/api/loads',
  '/api/jobs/nothing/cancel',
  '/api/jobs/nothing/retry',
  '/api/datasets/nothing/embed',
  '/api/datasets/nothing/relocate',
  '/api/datasets/nothing/annotate',
  '/api/datasets/nothing/forget',
  '/api/datasets/nothing/tags',
  '/api/datasets/nothing/search',
];

describe('a body', () => {
  test.each(WITH_BODY)('that is an empty form is refused as a form: %s', async (path) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' };
    expect(await post(path, headers)).toEqual({ status: 415, code: 'UnsupportedMediaType' });
  });

  test.each(['/api/jobs/nothing/pause', '/api/jobs/nothing/cancel', '/api/datasets/nothing/prune'])(
    'need not be there, nor its length: %s',
    async (path) => {
      expect((await post(path, {})).code).toMatch(/^(Job|Dataset)NotFound$/);
    },
  );

  test('may come in chunks, and is read', async () => {
    const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
    const body = JSON.stringify({ reason: 'no more' });
    expect((await post('/api/jobs/nothing/cancel', headers, body)).code).toBe('JobNotFound');
    expect((await post('/api/jobs/nothing/cancel', headers, '{"reason":1}')).code).toBe('InvalidInput');
    expect((await post('/api/jobs/nothing/cancel', headers, ' '.repeat(2 ** 20 + 1))).code).toBe('BodyTooLarge');
  });

  test.each([{ 'content-length': '2' }, { 'transfer-encoding': 'chunked' }])(
    'without a type is refused: %o',
    async (headers) => {
      expect((await post('/api/jobs/nothing/pause', headers as Record<string, string>, '{}')).status).toBe(415);
    },
  );
});
