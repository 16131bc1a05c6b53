import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type RunningApi, startApi } from '../../api/start-server.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { settingsFor, uriOf } from './support/open-api.ts';

let bench: Workbench;
let api: RunningApi;
const faults: string[] = [];

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  const timeouts = { headersTimeout: 400, requestTimeout: 400, connectionsCheckingInterval: 100 };
  api = await startApi(settingsFor(uriOf(bench.store)), (message) => void faults.push(message), { timeouts });
  await Promise.all([api.context.backends.mongodb.untilReady(), api.context.backends.temporal.untilReady()]);
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

/** Sends these bytes and returns the answer, up to the end of the connection. */
const send = (request: string) =>
  new Promise<string>((resolve) => {
    let answer = '';
    const socket = connect(api.port, '127.0.0.1', () => socket.write(request, 'latin1'));
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', () => undefined).on('close', () => resolve(answer));
  });

const HOST = 'Host: localhost\r\nConnection: close\r\n';
const JSON_CHUNKS = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"tok\r\n';

describe('what does not come as far as the app is answered by a problem, with the same headers', () => {
  test.each([
    ['no HTTP', 'HELLO\r\n\r\n', 400, 'InvalidRequest'],
    ['headers without end', `GET / HTTP/1.1\r\n${HOST}X: ${'x'.repeat(40_000)}\r\n\r\n`, 431, 'HeadersTooLarge'],
    ['headers that do not come', `GET / HTTP/1.1\r\n${HOST}X: `, 408, 'RequestTimeout'],
    ['no Host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'InvalidRequest'],
    ['a Host that is none', 'GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400, 'InvalidRequest'],
    ['the address *', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 400, 'InvalidRequest'],
    ['an address of another scheme', `GET ftp://localhost/ HTTP/1.1\r\n${HOST}\r\n`, 400, 'InvalidRequest'],
    ['what can not be expected', `GET /health HTTP/1.1\r\n${HOST}Expect: tea\r\n\r\n`, 417, 'ExpectationFailed'],
    ['a body that does not come', `POST /api/session HTTP/1.1\r\n${HOST}${JSON_CHUNKS}`, 408, 'RequestTimeout'],
  ])('%s', async (_name, request, status, code) => {
    const [head = '', body = ''] = (await send(request)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toMatch(/^content-type: application\/problem\+json$/im);
    expect(head).toMatch(/^x-content-type-options: nosniff$/im);
    expect(JSON.parse(body)).toMatchObject({ status, code, type: `/api/docs#${code}` });
  });
});

test('a body that its sender breaks off is no fault of ours', async () => {
  /** How many requests of this route have been answered, by status. */
  const counted = async () => {
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    const found = metrics.matchAll(/^plimsoll_http_requests_total\{.*route="\/api\/session",status="(\d+)"\} (\d+)/gm);
    return Object.fromEntries([...found].map(([, status, count]) => [status, Number(count)]));
  };
  const { 400: before = 0 } = await counted();
  const socket = connect(api.port, '127.0.0.1', () =>
    socket.write(`POST /api/session HTTP/1.1\r\n${HOST}${JSON_CHUNKS}`, () => socket.resetAndDestroy()),
  );
  await vi.waitUntil(async () => (await counted())[400] === before + 1, { timeout: PATIENCE_MS });
  expect(await counted()).not.toHaveProperty('500');
  expect(faults).toEqual([]);
});
